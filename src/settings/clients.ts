// Clients an operator enters by hand, for those that can neither register nor be described by a document: the setting `CLIENTS`.
import * as z from 'zod'
import { type ClientRecord, UNSAID } from '../clients/client-record.ts'
import { statedKeys } from '../clients/client-keys.ts'
import { addressPolicy, STRANGERS_ONLY } from '../clients/public-address.ts'
import { acceptableRedirectUri } from '../clients/redirect-uri.ts'
import { jsonOf, lower, MISSING_IS_SAID } from './json-list.ts'
import type { SettingsProblem, WrittenVariables } from './problem.ts'

/** A client of the settings; it may have a secret or keys, never both. The record goes about, the secret stays here. */
export interface EnteredClient {
  readonly record: ClientRecord
  readonly secret: string | undefined
}

const SEE = 'see “Clients you enter yourself” in docs/clients/pre-registered.md'
const SHORTEST_SECRET = 16
/** Stands for whoever uses `/.sts`: it can be blocked, and no client can have this id. */
export const WEB_IDENTITY_CLIENT = 'sts'
export const WEB_IDENTITY_NAME = 'Temporary credentials'
/** Ids of our own making begin like this. */
const TAKEN = /^(?:pub|sec|key|tok|mch)_/i

const text = z.string().trim().min(1).max(200)

const entryWith = (schemes: readonly string[]) =>
  z.strictObject({
    id: z
      .string()
      .regex(/^[\w.~-]{1,100}$/, 'has characters besides letters, digits and . _ ~ - (an id goes into URLs as it is)')
      .refine((id) => !TAKEN.test(id), 'begins like the ids of clients that register')
      .refine((id) => id.toLowerCase() !== WEB_IDENTITY_CLIENT, 'is the id of /.sts'),
    name: text,
    secret: z
      .string()
      .regex(/^\$[A-Z][A-Z0-9_]*$/, 'is written out: name the Worker secret that holds it, as $NAME')
      .optional(),
    redirect_uris: z
      .array(
        z
          .string()
          .refine(
            (uri) => acceptableRedirectUri(uri, schemes) !== undefined,
            'is neither https, nor loopback, nor a scheme of an application (REDIRECT_SCHEMES names more)',
          ),
      )
      .min(1, 'is empty'),
    scopes: z.array(text).min(1, 'is empty: leave it out to allow all').optional(),
    jwks: z.unknown().optional(),
    jwks_uri: z.unknown().optional(),
  })
type Entry = z.output<ReturnType<typeof entryWith>>

export interface ReadClients {
  readonly clients: readonly EnteredClient[]
  readonly problems: readonly SettingsProblem[]
}

/** Every mistake is named by the number of the client and the field. */
export function readClients(given: WrittenVariables, schemes: readonly string[] = []): ReadClients {
  const problems: SettingsProblem[] = []
  const report = (problem: string, cure = SEE): undefined => {
    problems.push({ variable: 'CLIENTS', problem, cure })
  }
  const written = given['CLIENTS']
  if (written === undefined) return { clients: [], problems }
  const parsed = z.array(entryWith(schemes)).safeParse(jsonOf(written), MISSING_IS_SAID)
  if (!parsed.success) {
    for (const { path, message } of parsed.error.issues)
      report(path.length === 0 ? 'is not a JSON list' : `${path.join('.')} ${lower(message)}`)
    return { clients: [], problems }
  }
  const clients: EnteredClient[] = []
  for (const [index, asked] of parsed.data.entries()) {
    if (clients.some(({ record }) => record.id === asked.id)) report(`${index}.id is there twice`)
    const client = entered(asked, given, (problem, cure) => report(`${index}.${problem}`, cure))
    if (client) clients.push(client)
  }
  return { clients, problems }
}

function entered(
  asked: Entry,
  given: WrittenVariables,
  report: (problem: string, cure?: string) => undefined,
): EnteredClient | undefined {
  const { id, name, redirect_uris: redirectUris, scopes } = asked
  const keys = keysOf(asked, given, report)
  const secret = asked.secret === undefined ? undefined : given[asked.secret.slice(1)]
  if (asked.secret !== undefined && secret === undefined)
    return report(`secret names ${asked.secret}, which is not set`, `wrangler secret put ${asked.secret.slice(1)}`)
  if (secret !== undefined && secret.length < SHORTEST_SECRET)
    return report(`secret is shorter than ${SHORTEST_SECRET} characters`, 'create one with: openssl rand -hex 32')
  if (secret !== undefined && keys) return report('secret stands beside keys: a client authenticates in one way')
  const withoutKeys = secret === undefined ? 'none' : 'client_secret_basic'
  const record: ClientRecord = {
    id,
    knownBy: 'settings',
    name,
    redirectUris,
    authMethod: keys ? 'private_key_jwt' : withoutKeys,
    grantTypes: ['authorization_code', 'refresh_token'],
    ...UNSAID,
    keys,
    scopes,
    registeredAt: 0,
  }
  return { record, secret }
}

function keysOf(asked: Entry, given: WrittenVariables, report: (problem: string) => undefined): ClientRecord['keys'] {
  try {
    const base = given['BASE_URL']
    return statedKeys(asked, base !== undefined && URL.canParse(base) ? addressPolicy(base, []) : STRANGERS_ONLY)
  } catch (error) {
    return report(error instanceof Error ? error.message : 'jwks can not be read')
  }
}
