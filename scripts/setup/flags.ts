// What can be said to the set-up on its command line. Secrets are not among it: a command line stays in the history of the shell.
import { parseArgs } from 'node:util'
import { PLACES, type Place } from './places.ts'
import { PROVIDERS } from './providers.ts'
import { SetupError, USAGE_ERROR } from './setup-error.ts'

const OPTIONS = {
  where: { type: 'string' },
  url: { type: 'string' },
  provider: { type: 'string' },
  issuer: { type: 'string' },
  'restrict-to': { type: 'string' },
  'client-id': { type: 'string' },
  'client-secret-file': { type: 'string' },
  server: { type: 'string' },
  admins: { type: 'string' },
  'trusted-proxy': { type: 'boolean' },
  file: { type: 'string' },
  yes: { type: 'boolean', default: false },
  overwrite: { type: 'boolean', default: false },
  check: { type: 'boolean', default: true },
  start: { type: 'boolean' },
  'sign-in': { type: 'boolean' },
  help: { type: 'boolean', short: 'h', default: false },
} as const

export type Flags = ReturnType<typeof parsed>

export const DESCRIPTION = `npm run setup [-- FLAGS]: asks what it needs, and does the rest. Run it again to change something: what is there is the answer offered.

  --where PLACE              ${PLACES.join(', ')}
  --url URL                  public origin of the broker
  --provider NAME            ${PROVIDERS.map(({ id }) => id).join(', ')}
  --issuer URL               of the identity provider; its team, for cloudflare-access
  --restrict-to WORDS        who of its people: domains (google), tenant ids (entra), organisations (github)
  --client-id ID             of the broker at the identity provider
  --client-secret-file FILE  its secret; - is standard input. Or the variable OAUTH_CLIENT_SECRET; otherwise it is asked for, unseen
  --server URL               of the MCP server
  --admins ADDRESSES         e-mail addresses of administrators, separated by commas
  --trusted-proxy            the TLS proxy before a broker on this machine sets CF-Connecting-IP in place of what clients send
  --file FILE                where the settings are written: ${PLACES.map((place) => `${defaultFile(place)} (${place})`).join(', ')}

  --yes        takes what is offered, and asks nothing
  --overwrite  changes a file that is there
  --no-check   does not ask the provider and the server before writing
  --start, --no-start       deploys or starts, or does not
  --sign-in, --no-sign-in   tries a sign-in once it runs, or does not

Exit codes: 0 done · 1 a fault was found · 64 an answer is missing or wrong · 73 a file is there already · 130 interrupted`

export function defaultFile(place: Place): string {
  return place === 'kubernetes' ? 'broker-secret.yaml' : 'broker.env'
}

export function readFlags(args: readonly string[]): Flags {
  const secret = args.find((arg) => /^--(client-)?secret(=|$)|^--encryption-key/.test(arg))
  if (secret !== undefined)
    throw new SetupError(
      'A secret on the command line stays in the history of the shell, and other users see it: use --client-secret-file, OAUTH_CLIENT_SECRET, or answer when you are asked.',
      USAGE_ERROR,
    )
  return parsed(args)
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowNegative: true }).values
  } catch (error) {
    throw new SetupError(`${error instanceof Error ? error.message : String(error)}\n\n${DESCRIPTION}`, USAGE_ERROR)
  }
}
