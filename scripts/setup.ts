// npm run setup: from nothing to a broker that people can sign in to, in one sitting. Every question has a flag; secrets have none.
import { DESCRIPTION, readFlags } from './setup/flags.ts'
import { SetupError } from './setup/setup-error.ts'
import { Terminal } from './setup/terminal.ts'
import { setUp } from './setup/sitting.ts'

// What the broker would log of a provider that fails, the doctor says in words.
console.warn = () => undefined

try {
  const flags = readFlags(process.argv.slice(2))
  if (flags.help) console.log(DESCRIPTION)
  else {
    const terminal = new Terminal(process.stdin, process.stdout, () => {
      console.error('\nEnded. Nothing was written.')
      process.exit(130)
    })
    await setUp(flags, terminal, process.env).finally(() => terminal.close())
  }
} catch (error) {
  if (!(error instanceof SetupError)) throw error
  console.error(`\n${error.message}`)
  process.exitCode = error.exitCode
}
