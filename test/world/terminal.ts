// A program at a terminal of util-linux's making, and the same in a pipe: echo, raw mode and Ctrl-C are the kernel's.
import { spawn, type ChildProcess } from 'node:child_process'
import { stripVTControlCharacters } from 'node:util'
import { expect } from 'vitest'
import { bareEnvironment } from './program.ts'

export interface Sitting {
  readonly shown: string
  readonly ended: Promise<number | null>
  /** Waits until the terminal shows it after what was waited for before, and types the answer. */
  answers(question: string, answer?: string): Promise<void>
  found(pattern: RegExp): Promise<string>
  types(keys: string): void
}

/** `home`: where programs are looked for first. */
export function atTerminal(home: string, program: string, ...flags: readonly string[]): Sitting {
  const command = [process.execPath, program, ...flags].map((word) => `'${word}'`).join(' ')
  const wide = `stty cols 400; exec ${command}`
  const child = spawn('script', ['--quiet', '--flush', '--return', '--command', wide, '/dev/null'], { env: environment(home) })
  const shown = collected(child)
  let from = 0
  const until = async <Found>(find: (text: string) => Found | undefined): Promise<Found> =>
    await expect
      .poll(() => find(shown.text()) ?? Promise.reject(new Error(`the terminal shows:\n${shown.text()}`)), { timeout: 45_000 })
      .toBeTruthy()
      .then(() => {
        const found = find(shown.text())
        if (found === undefined) throw new Error('gone')
        return found
      })
  return {
    get shown() {
      return shown.text()
    },
    ended: shown.ended,
    answers: async (question, answer) => {
      const at = await until((text) =>
        text.includes(question, from) ? text.indexOf(question, from) + question.length : undefined,
      )
      from = at
      if (answer !== undefined) child.stdin.write(answer.endsWith('\u0003') ? answer : `${answer}\r`)
    },
    found: async (pattern) => await until((text) => pattern.exec(text)?.[0]),
    types: (keys) => void child.stdin.write(keys),
  }
}

export async function piped(
  home: string,
  program: string,
  input: string,
  ...flags: readonly string[]
): Promise<{ readonly code: number | null; readonly said: string }> {
  const child = spawn(process.execPath, [program, ...flags], { env: environment(home) })
  child.stdin.end(input)
  const shown = collected(child)
  return { code: await shown.ended, said: shown.text() }
}

/** Nothing of whoever runs the tests has a say, and no browser opens. */
function environment(home: string): NodeJS.ProcessEnv {
  return { ...bareEnvironment(), PATH: `${home}:${process.env['PATH']}`, HOME: home, BROWSER: 'true', TERM: 'xterm' }
}

function collected(child: ChildProcess): { readonly text: () => string; readonly ended: Promise<number | null> } {
  let text = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (text += chunk.toString()))
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  return { text: () => stripVTControlCharacters(text).replaceAll('\r', ''), ended }
}
