// What the broker shows the one server at `/mcp`: the variables for it, held to the rules that `DOWNSTREAMS` holds its servers to.
import type * as z from 'zod'
import { serverSchema, type ListedServer } from './downstream-list.ts'
import { jsonOf } from './json-list.ts'
import type { SettingsProblem, WrittenVariables } from './problem.ts'

export const CREDENTIAL_VARIABLES: readonly string[] = [
  'DOWNSTREAM_HEADERS',
  'DOWNSTREAM_ACCESS_CLIENT_ID',
  'DOWNSTREAM_ACCESS_CLIENT_SECRET',
  'DOWNSTREAM_OAUTH_CLIENT_ID',
  'DOWNSTREAM_OAUTH_CLIENT_SECRET',
  'DOWNSTREAM_OAUTH_SCOPES',
  'DOWNSTREAM_OAUTH_CLIENT_AUTH',
  'DOWNSTREAM_OAUTH_AUTHORIZE_PARAMETERS',
]

export type ServerCredentials = Pick<ListedServer, 'headers' | 'access' | 'oauth'>

/** Where a mistake in a field was made, by how its path begins; the first that fits. */
const VARIABLE: readonly (readonly [path: string, variable: string])[] = [
  ['headers', 'DOWNSTREAM_HEADERS'],
  ['access.client_secret', 'DOWNSTREAM_ACCESS_CLIENT_SECRET'],
  ['access', 'DOWNSTREAM_ACCESS_CLIENT_ID'],
  ['oauth.client_secret', 'DOWNSTREAM_OAUTH_CLIENT_SECRET'],
  ['oauth.client_auth', 'DOWNSTREAM_OAUTH_CLIENT_AUTH'],
  ['oauth.authorize_parameters', 'DOWNSTREAM_OAUTH_AUTHORIZE_PARAMETERS'],
  ['oauth', 'DOWNSTREAM_OAUTH_CLIENT_ID'],
]

export interface CredentialSettings {
  readonly credentials: ServerCredentials
  readonly problems: readonly SettingsProblem[]
}

export function readCredentials(given: WrittenVariables): CredentialSettings {
  const { DOWNSTREAM_MCP_URL: url, DOWNSTREAM_AUTH: auth } = given
  // Without these everything else is wrong already, and said to be.
  if (url === undefined || !CREDENTIALED.includes(auth ?? '')) return { credentials: {}, problems: unused(given, url, auth) }
  const entry = { name: 'mcp', url: 'https://server.example', auth, ...headersIn(given), ...accessIn(given), ...clientIn(given) }
  const { data, error } = serverSchema(given).safeParse(entry)
  const problems = (error?.issues ?? []).map((issue): SettingsProblem => {
    const [field = '', named] = issue.path.map(String)
    const variable = VARIABLE.find(([begins]) => `${field}.${named}`.startsWith(begins))?.[1] ?? 'DOWNSTREAM_AUTH'
    const about = field === 'headers' && named !== undefined ? `names ${named.slice(0, 60)}, which ` : ''
    return { variable, problem: about + sentence(issue), cure: 'see “What the MCP server gets” in docs/servers/index.md' }
  })
  return { credentials: data ?? {}, problems }
}

function sentence(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_key') return issue.issues[0]?.message ?? issue.message
  if (issue.code !== 'invalid_type') return issue.message
  return issue.expected === 'record' ? 'is not a JSON object of headers' : 'not configured'
}

const CREDENTIALED: readonly string[] = ['static', 'access-service-token', 'oauth']
const MODE_OF: readonly (readonly [begins: string, mode: string])[] = [
  ['DOWNSTREAM_HEADERS', 'static'],
  ['DOWNSTREAM_ACCESS', 'access-service-token'],
  ['DOWNSTREAM_OAUTH', 'oauth'],
]

/** A credential that is set and not sent is a mistake nobody would notice. */
function unused(given: WrittenVariables, url: string | undefined, auth = 'identity-jwt'): readonly SettingsProblem[] {
  if (url === undefined) return []
  return CREDENTIAL_VARIABLES.filter((variable) => given[variable] !== undefined).map((variable) => {
    const mode = MODE_OF.find(([begins]) => variable.startsWith(begins))?.[1] ?? ''
    return { variable, problem: `is not sent with DOWNSTREAM_AUTH=${auth}`, cure: `set DOWNSTREAM_AUTH=${mode}, or take it away` }
  })
}

function headersIn({ DOWNSTREAM_HEADERS: json }: WrittenVariables): { readonly headers?: unknown } {
  if (json === undefined) return {}
  return { headers: jsonOf(json) ?? json }
}

function accessIn(given: WrittenVariables): { readonly access?: unknown } {
  const { DOWNSTREAM_ACCESS_CLIENT_ID: id, DOWNSTREAM_ACCESS_CLIENT_SECRET: secret } = given
  return id === undefined && secret === undefined ? {} : { access: { client_id: literal(id), client_secret: literal(secret) } }
}

function clientIn(given: WrittenVariables): { readonly oauth?: unknown } {
  const { DOWNSTREAM_OAUTH_CLIENT_ID: id, DOWNSTREAM_OAUTH_CLIENT_SECRET: secret, DOWNSTREAM_OAUTH_SCOPES: scopes = '' } = given
  const { DOWNSTREAM_OAUTH_CLIENT_AUTH: auth, DOWNSTREAM_OAUTH_AUTHORIZE_PARAMETERS: parameters } = given
  if ([id, secret, auth, parameters].every((each) => each === undefined) && scopes === '') return {}
  const words = scopes.split(/[\s,]+/).filter((scope) => scope !== '')
  return {
    oauth: {
      ...(id !== undefined && { client_id: literal(id) }),
      ...(secret !== undefined && { client_secret: literal(secret) }),
      scopes: words,
      ...(auth !== undefined && { client_auth: auth }),
      ...(parameters !== undefined && { authorize_parameters: jsonOf(parameters) ?? parameters }),
    },
  }
}

/** `$NAME` stands for a secret in `DOWNSTREAMS`; here the variable is the secret. */
function literal(text: string | undefined): string | undefined {
  return text?.replaceAll('$', '$$$$')
}
