// Asks whoever sits at the terminal, a line at a time; what is secret is not shown while it is typed. Without a terminal every question is an error.
import { createInterface, type Interface } from 'node:readline'
import { Writable } from 'node:stream'
import { SetupError, USAGE_ERROR } from './setup-error.ts'

export interface Question {
  readonly text: string
  /** What answers it on the command line, without the dashes. */
  readonly flag: string
  /** What an empty line means. */
  readonly offered?: string | undefined
  readonly isSecret?: boolean
  /** Why an answer is none; undefined when it is one. */
  readonly wrong?: (answer: string) => string | undefined
}

/** In a pipe there is no such member. */
interface MaybeTerminal {
  readonly isTTY?: boolean
}

const MOST_TRIES = 10

export class Terminal {
  readonly isInteractive: boolean
  readonly #input: NodeJS.ReadableStream & MaybeTerminal
  readonly #output: NodeJS.WritableStream & MaybeTerminal
  readonly #onInterrupt: () => void
  /** What was typed or pasted before it was asked for. */
  readonly #lines: string[] = []
  #reader: Interface | undefined
  #isMuted = false
  #waiting: ((line: string) => void) | undefined

  /** `onInterrupt`: Ctrl-C, or Ctrl-D where an answer was awaited. */
  constructor(
    input: NodeJS.ReadableStream & MaybeTerminal,
    output: NodeJS.WritableStream & MaybeTerminal,
    onInterrupt: () => void,
  ) {
    this.isInteractive = input.isTTY === true && output.isTTY === true
    this.#input = input
    this.#output = output
    this.#onInterrupt = onInterrupt
  }

  say(text = ''): void {
    this.#output.write(`${text}\n`)
  }

  /** Asks again until the answer is one. */
  async ask({ text, flag, offered, isSecret = false, wrong }: Question): Promise<string> {
    if (!this.isInteractive)
      throw new SetupError(
        `--${flag} is missing, and there is no terminal to ask at. --help says what can be given.`,
        USAGE_ERROR,
      )
    const hint = offered === undefined || offered === '' ? '' : isSecret ? ' [what is stored]' : ` [${offered}]`
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      const line = (await this.#line(`${text}${hint}: `, isSecret)).trim()
      const answer = line === '' ? offered : line
      const why = answer === undefined ? 'an answer is needed' : wrong?.(answer)
      if (answer !== undefined && why === undefined) return answer
      this.say(`  ${why}`)
    }
    throw new SetupError(`No answer to: ${text}`, USAGE_ERROR)
  }

  async confirm(text: string, flag: string, offered: boolean): Promise<boolean> {
    return /^y/i.test(await this.ask({ text, flag, offered: offered ? 'yes' : 'no', wrong: notYesOrNo }))
  }

  /** Until the next question the terminal is in its ordinary mode, in which Ctrl-C ends programs. */
  close(): void {
    this.#waiting = undefined
    this.#reader?.close()
    this.#reader = undefined
  }

  async #line(prompt: string, isSecret: boolean): Promise<string> {
    const known = this.#lines.shift()
    if (known !== undefined) return known
    const reader = (this.#reader ??= this.#open())
    reader.setPrompt(prompt)
    reader.prompt()
    this.#isMuted = isSecret
    const line = await new Promise<string>((resolve) => (this.#waiting = resolve))
    this.#isMuted = false
    if (isSecret) this.say()
    return line
  }

  #open(): Interface {
    const output = new Writable({
      write: (chunk: Buffer, _, done) => {
        if (!this.#isMuted) this.#output.write(chunk)
        done()
      },
    })
    // No history: the arrow keys would show a secret again.
    const reader = createInterface({ input: this.#input, output, terminal: true, historySize: 0 })
    reader.on('line', (line) => {
      const waiting = this.#waiting
      this.#waiting = undefined
      if (waiting) waiting(line)
      else this.#lines.push(line)
    })
    reader.on('SIGINT', this.#onInterrupt)
    reader.on('close', () => {
      if (this.#waiting) this.#onInterrupt()
    })
    return reader
  }
}

function notYesOrNo(answer: string): string | undefined {
  return /^(y|yes|n|no)$/i.test(answer) ? undefined : 'answer yes or no'
}
