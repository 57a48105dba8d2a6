// What an operator has given by name, and what is wrong with one of it.

export type Given = Readonly<Record<string, string | undefined>>

export interface OptionProblem {
  readonly variable: string
  readonly problem: string
  readonly cure: string
}
