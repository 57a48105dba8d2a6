// What an operator knows better about a token endpoint or an authorization endpoint than its metadata say.
import * as z from 'zod'
import { jsonOf } from './json-list.ts'

/** RFC 7591 section 2, and Basic as it is understood where nothing is decoded. */
const SECRET_METHODS = ['client_secret_basic', 'client_secret_basic_raw', 'client_secret_post'] as const
export type SecretMethod = (typeof SECRET_METHODS)[number]

/** Each of them is part of what makes the answer safe to read (RFC 6749, 7636, 8707, 9101, OpenID Connect Core), or has a setting of its own. */
const RESERVED: ReadonlySet<string> = new Set([
  'client_id',
  'client_secret',
  'code',
  'code_challenge',
  'code_challenge_method',
  'code_verifier',
  'error',
  'grant_type',
  'iss',
  'nonce',
  'redirect_uri',
  'registration',
  'request',
  'request_uri',
  'response_mode',
  'response_type',
  'scope',
  'state',
])

const name = z
  .string()
  .regex(/^[\w.-]{1,60}$/, 'is not the name of a parameter')
  .refine((text) => !RESERVED.has(text.toLowerCase()), 'is a parameter that the broker sets itself')

export const authorizationParameters = z.record(name, z.string('is no text').min(1, 'is empty').max(1_000, 'is too long'))

/** The resource at a server is the one that the server publishes (RFC 8707). */
export const serverParameters = authorizationParameters.refine((given) => !Object.hasOwn(given, 'resource'), {
  message: 'names resource, a parameter that the broker sets itself',
})

export const clientAuth = z.enum(SECRET_METHODS, `is none of ${SECRET_METHODS.join(', ')}`)

/** The same in a variable of its own. */
export const authorizationParametersText = z.string().transform((text, context) => {
  const parsed = authorizationParameters.safeParse(jsonOf(text))
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const reason = issue?.code === 'invalid_key' ? issue.issues[0]?.message : issue?.message
  const field = issue?.path[0]
  const message = field === undefined ? 'is not a JSON object of texts' : `names ${String(field).slice(0, 60)}, which ${reason}`
  context.addIssue({
    code: 'custom',
    message,
    params: { cure: 'give parameters such as {"audience":"https://api.example.com"}' },
  })
  return z.NEVER
})
