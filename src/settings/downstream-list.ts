// What the JSON of `DOWNSTREAMS` may say about each server, and every mistake in it, named by server and field.
import * as z from 'zod'
import { clientAuth, serverParameters } from './authorization-parameters.ts'
import { webUrl } from './web-url.ts'
import { jsonOf, MISSING_IS_SAID } from './json-list.ts'
import { passHeaders } from './pass-headers.ts'
import { ADDRESS } from './people.ts'
import { isOpenHttp, type SettingsProblem, type WrittenVariables } from './problem.ts'

/** Modes that send a secret, of the broker or of a person: never over plain http. */
export const SECRET_MODES: readonly string[] = ['idp-token', 'static', 'oauth', 'access-service-token']

const SEE = 'see “Several servers” in docs/servers/several.md'
/** `$NAME` anywhere in a text; `$$` is a dollar sign. */
const REFERENCE = /\$(?:\$|([A-Z][A-Z0-9_]*))/g
const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]+$/
/** Those the transport owns, and those that say who a person is. */
const RESERVED_HEADER =
  /^(?:host|connection|content-.+|transfer-encoding|te|trailer|upgrade|accept|cookie|mcp-.+|last-event-id|x-user-.+|x-forwarded-.+)$/i
/** RFC 6749 section 3.3; and never the scopes that mean something else here. */
const SCOPE = /^(?!(?:admin|offline_access)$)[\x21\x23-\x5b\x5d-\x7e]+$/

const text = z.string().min(1, 'is empty')
const count = z.int('is not a whole number').min(1, 'is not above zero').max(1e9, 'is too large')
const scope = z.string().regex(SCOPE, 'is not a scope a server can have')

/** A text that may take the value of secrets, by name. */
export function secretText(given: WrittenVariables) {
  return text.transform((written, context) =>
    written.replace(REFERENCE, (_, name?: string) => {
      if (name === undefined) return '$'
      const value = given[name]
      if (value === undefined)
        context.addIssue({
          code: 'custom',
          message: `names $${name}, which is not set`,
          params: { cure: `set the secret with: wrangler secret put ${name}` },
        })
      return value ?? ''
    }),
  )
}

const toolRule = z
  .strictObject({
    groups: z.array(text).min(1, 'is empty: leave it out to mean everybody').optional(),
    allow: z.array(text).default(['*']),
    deny: z.array(text).default([]),
    mode: z.literal('read-only', 'is not read-only, the only mode there is').optional(),
  })
  .readonly()

export function serverSchema(given: WrittenVariables) {
  const secret = secretText(given)
  const headerValue = secret.refine((value) => /^[\t\x20-\x7e]*$/.test(value), 'holds characters that no header can carry')
  const shape = z.strictObject({
    name: z
      .string()
      .regex(
        /^[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?$/,
        'is not of lower-case letters, digits, - and _ (it becomes part of a path)',
      ),
    title: text.max(80, 'is longer than 80 characters').optional(),
    url: webUrl,
    transport: z.enum(['auto', 'streamable-http', 'http-sse']).default('auto'),
    era: z.enum(['auto', 'legacy', 'modern']).default('auto'),
    era_bridge: z.boolean('is neither true nor false').optional(),
    auth: z.enum(['identity-jwt', 'idp-token', 'static', 'oauth', 'access-service-token', 'none']).default('identity-jwt'),
    headers: z
      .record(
        z
          .string()
          .regex(HEADER_NAME, 'is not the name of a header')
          .refine((name) => !RESERVED_HEADER.test(name), 'is a header that the broker sets itself'),
        headerValue,
      )
      .optional(),
    pass_headers: passHeaders.optional(),
    oauth: z
      .strictObject({
        client_id: secret.optional(),
        client_secret: secret.optional(),
        scopes: z.array(text).default([]),
        client_auth: clientAuth.optional(),
        authorize_parameters: serverParameters.optional(),
      })
      .refine(
        ({ client_id, client_secret, scopes }) => client_id !== undefined || (client_secret === undefined && scopes.length === 0),
        {
          path: ['client_id'],
          message: 'not configured: the secret and the scopes are of a client you have entered there',
        },
      )
      .optional(),
    access: z.strictObject({ client_id: headerValue, client_secret: headerValue }).optional(),
    scopes: z.array(scope).min(1, 'is empty').optional(),
    tool_scopes: z.record(text, scope).optional(),
    allow: z
      .strictObject({
        groups: z.array(text).default([]),
        emails: z.array(z.string().regex(ADDRESS, 'is not an e-mail address')).default([]),
      })
      .optional(),
    tools: z
      .union(
        [z.literal('read-only'), z.array(toolRule).min(1, 'is empty: leave it out to allow everything')],
        'is neither "read-only" nor a list of rules',
      )
      .optional(),
    signals: z
      .strictObject({
        url: webUrl.refine(({ href }) => !isOpenHttp(href), 'would be told over plain http'),
        authorization: headerValue.optional(),
        audience: text.optional(),
      })
      .optional(),
    limits: z.strictObject({ requests: count.optional(), window: count.optional(), streams: count.optional() }).optional(),
  })
  type Server = z.output<typeof shape>

  /** What fields say about each other: judged when those they are about are right by themselves. */
  const agreements: readonly (readonly [
    field: keyof Server,
    about: readonly (keyof Server)[],
    message: string,
    holds: (server: Server) => boolean,
  ])[] = [
    [
      'url',
      ['auth'],
      'would carry a secret over plain http: give it as https',
      ({ url, auth }) => !SECRET_MODES.includes(auth) || !isOpenHttp(url.href),
    ],
    [
      'headers',
      ['auth'],
      'is missing: auth static sends them',
      ({ headers, auth }) => auth !== 'static' || Object.keys(headers ?? {}).length > 0,
    ],
    ['headers', ['auth'], 'is for auth static alone', ({ headers, auth }) => headers === undefined || auth === 'static'],
    [
      'access',
      ['auth'],
      'is missing: auth access-service-token sends it',
      ({ access, auth }) => auth !== 'access-service-token' || access !== undefined,
    ],
    [
      'access',
      ['auth'],
      'is for auth access-service-token alone',
      ({ access, auth }) => access === undefined || auth === 'access-service-token',
    ],
    ['oauth', ['auth'], 'is for auth oauth alone', ({ oauth, auth }) => oauth === undefined || auth === 'oauth'],
    ['allow', [], 'names nobody', ({ allow }) => allow === undefined || allow.emails.length + allow.groups.length > 0],
    [
      'limits',
      [],
      'has a window, but no requests to count in it',
      ({ limits }) => limits?.window === undefined || limits.requests !== undefined,
    ],
    [
      'tool_scopes',
      ['scopes'],
      'names a scope that is not in scopes',
      ({ scopes, tool_scopes }) =>
        scopes === undefined || Object.values(tool_scopes ?? {}).every((name) => scopes.includes(name)),
    ],
    [
      'tool_scopes',
      ['scopes'],
      'leaves no scope that everybody gets without being asked for more: add one to scopes that no tool needs',
      ({ scopes = ['mcp'], tool_scopes }) => scopes.some((name) => !Object.values(tool_scopes ?? {}).includes(name)),
    ],
  ]
  return agreements.reduce(
    (schema, [field, about, message, holds]) =>
      schema.refine(holds, {
        path: [field],
        message,
        when: ({ issues }) =>
          !issues.some(({ path: [first] = [] }) => first === undefined || [field, ...about].some((name) => name === first)),
      }),
    shape,
  )
}

export type ListedServer = Readonly<z.output<ReturnType<typeof serverSchema>>>

export interface ServerList {
  readonly servers: readonly ListedServer[]
  readonly problems: readonly SettingsProblem[]
}

/** The servers of `DOWNSTREAMS`; none where it is not set. */
export function readServerList(given: WrittenVariables): ServerList {
  const json = given['DOWNSTREAMS']
  if (json === undefined) return { servers: [], problems: [] }
  const list = z.array(z.unknown()).safeParse(jsonOf(json)).data
  if (!list) return { servers: [], problems: [wrong('is not a JSON array of servers')] }
  if (list.length === 0) return { servers: [], problems: [wrong('names no server')] }
  const schema = serverSchema(given)
  const servers: ListedServer[] = []
  const problems: SettingsProblem[] = []
  list.forEach((entry, index) => {
    const { data, error } = schema.safeParse(entry, MISSING_IS_SAID)
    if (data) servers.push(data)
    const who = called(entry, index)
    for (const issue of error?.issues ?? []) problems.push(wrong(`${who}${sentence(issue)}`, cureOf(issue)))
  })
  return { servers, problems: [...problems, ...taken(list, given)] }
}

/** A name is a path: two servers can't share one, and `mcp` is that of `DOWNSTREAM_MCP_URL`. */
function taken(list: readonly unknown[], given: WrittenVariables): SettingsProblem[] {
  const names = list.map(nameOf).filter((name) => name !== undefined)
  const twice = [...new Set(names.filter((name, index) => names.indexOf(name) !== index))]
  const problems = twice.map((name) => wrong(`server “${name}”: another one has the same name`))
  if (given['DOWNSTREAM_MCP_URL'] !== undefined && names.includes('mcp'))
    problems.push(wrong('server “mcp”: this is the name of the one at DOWNSTREAM_MCP_URL', 'give one of them, or another name'))
  return problems
}

function wrong(problem: string, cure = SEE): SettingsProblem {
  return { variable: 'DOWNSTREAMS', problem, cure }
}

/** The value is never repeated: secrets may stand in it. */
function sentence(issue: z.core.$ZodIssue): string {
  return issue.path.length > 0 ? `, field ${issue.path.join('.')}: ${issue.message}` : `: ${issue.message}`
}

function cureOf(issue: z.core.$ZodIssue): string | undefined {
  const cure: unknown = issue.code === 'custom' ? issue.params?.['cure'] : undefined
  return typeof cure === 'string' ? cure : undefined
}

function called(entry: unknown, index: number): string {
  const name = nameOf(entry)
  return name === undefined ? `server ${index + 1}` : `server “${name.slice(0, 63)}”`
}

function nameOf(entry: unknown): string | undefined {
  return z.object({ name: z.string() }).safeParse(entry).data?.name
}
