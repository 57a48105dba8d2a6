// What somebody who runs `npm start` has set: settings of the broker in the environment, before those in .dev.vars.
import type { SettingsError } from '../../src/settings/settings.ts'
import { misspelled, namesKnown } from '../../scripts/doctor/misspelled.ts'

type Given = Readonly<Record<string, string | undefined>>

export interface OwnSettings {
  readonly vars: Readonly<Record<string, string>>
  /** A server of their own: the example server stays away. */
  readonly hasServer: boolean
  /** A sign-in of their own: the demo's stays away. */
  readonly hasSignIn: boolean
  /** Which names came from where, for the first screen. */
  readonly sources: readonly { readonly source: string; readonly names: readonly string[] }[]
  /** What was set and is not used, and why. */
  readonly notes: readonly string[]
  readonly problems: SettingsError['problems']
}

const SERVERS: readonly string[] = ['DOWNSTREAM_MCP_URL', 'MCP_SERVER_URL', 'DOWNSTREAMS']
/** Any of these says that people sign in somewhere else than at the demo. */
const SIGN_IN: readonly string[] = [
  'CF_ACCESS_TEAM_DOMAIN',
  'CF_ACCESS_CLIENT_ID',
  'CF_ACCESS_CLIENT_SECRET',
  'OAUTH_AUTHORIZE_URL',
  'OAUTH_CLIENT_ID',
  'OAUTH_CLIENT_SECRET',
  'IDENTITY_PROVIDER',
  'IDENTITY_PROVIDERS',
]
const KEYS: readonly string[] = ['ENCRYPTION_KEY', 'COOKIE_ENCRYPTION_KEY']
/** Decided by `npm start`: where it listens, and that example secrets are permitted there. */
const OURS: readonly string[] = ['BASE_URL', 'DEMO']

/** `examples` are the values of .dev.vars.example: a copy of it that was only half filled in says nothing about a sign-in. */
export function ownSettings(fromEnvironment: Given, fromFile: Given, examples: Given): OwnSettings {
  const named = namesKnown({ ...fromFile, ...fromEnvironment })
  const slips = misspelled([...new Set([...Object.keys(fromFile), ...Object.keys(fromEnvironment)])], named)
  const vars: Record<string, string> = {}
  const sources = { 'the environment': [] as string[], '.dev.vars': [] as string[] }
  for (const name of new Set([...Object.keys(fromFile), ...named])) {
    if (OURS.includes(name) || slips.some((slip) => slip.name === name)) continue
    const source = fromEnvironment[name] !== undefined && named.includes(name) ? 'the environment' : '.dev.vars'
    const value = (source === '.dev.vars' ? fromFile : fromEnvironment)[name]?.trim() ?? ''
    if (value === '') continue
    vars[name] = value
    sources[source].push(name)
  }
  const notes = slips.map(({ name, meant }) => `${name} is no setting and not used: ${meant} is one`)
  const isExample = (name: string): boolean => vars[name] === 'change-me' || vars[name] === examples[name]
  const drop = (names: readonly string[]): void => {
    for (const name of names) delete vars[name]
    for (const list of Object.values(sources)) list.splice(0, list.length, ...list.filter((name) => !names.includes(name)))
  }
  // An untouched copy has these two, and they are nobody's.
  drop([...KEYS, 'BASE_URL', 'DOWNSTREAM_MCP_URL'].filter((name) => isExample(name)))
  const signIn = SIGN_IN.filter((name) => vars[name] !== undefined)
  const unfilled = signIn.filter((name) => isExample(name))
  if (signIn.length > 0 && unfilled.length === signIn.length) {
    notes.push(
      `${unfilled.join(', ')} still ${unfilled.length === 1 ? 'has its example value' : 'have their example values'}: not used`,
    )
    drop(unfilled)
  }
  const hasSignIn = signIn.length > unfilled.length
  return {
    vars,
    hasServer: SERVERS.some((name) => vars[name] !== undefined),
    hasSignIn,
    sources: Object.entries(sources).flatMap(([source, names]) => (names.length > 0 ? [{ source, names }] : [])),
    notes,
    problems: hasSignIn
      ? unfilled.map((variable) => ({
          variable,
          problem: 'is the example value from the documentation',
          cure: 'use what your identity provider shows for this client, or take all of CF_ACCESS_* and OAUTH_* away for the demo sign-in',
        }))
      : [],
  }
}

/** Where BASE_URL is on this computer, its port is the one to listen at; anywhere else it cannot be served from here. */
export function portOf(baseUrl: string | undefined): number | undefined {
  const url = URL.parse(baseUrl ?? '')
  return url?.protocol === 'http:' && url.hostname === 'localhost' && url.port !== '' ? Number(url.port) : undefined
}

/** The lines of .dev.vars.example, most of which are comments until somebody takes the # away. */
export function examplesIn(text: string): Given {
  return Object.fromEntries(
    [...text.matchAll(/^(?:# ?)?([A-Z][A-Z0-9_]*)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value.trim()]),
  )
}
