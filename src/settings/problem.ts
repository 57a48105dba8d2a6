// One thing that is wrong with the settings, and what every part of them asks alike.
import { isLoopback } from '../platform/loopback.ts'

export interface SettingsProblem {
  readonly variable: string
  readonly problem: string
  readonly cure: string
}

/** Variables as the operator has written them. */
export type WrittenVariables = Readonly<Record<string, string>>

export function isOpenHttp(text = ''): boolean {
  const url = URL.parse(text)
  return url?.protocol === 'http:' && !isLoopback(url)
}
