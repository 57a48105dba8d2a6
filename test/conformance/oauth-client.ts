// The smallest OAuth client that gets a token: registers itself, sends a person through the sign-in, redeems the code.
import { createHash, randomBytes } from 'node:crypto'
import { z } from 'zod'
import { signInAs } from '../world/browser.ts'
import type { PersonKey } from '../world/people.ts'

const Metadata = z.object({
  issuer: z.string(),
  authorization_endpoint: z.url(),
  token_endpoint: z.url(),
  registration_endpoint: z.url(),
})
const Registered = z.object({ client_id: z.string() })
const Tokens = z.object({ access_token: z.string(), token_type: z.string() })

export async function registerClient(issuer: string, redirectUri: string): Promise<string> {
  const { registration_endpoint } = await discover(issuer)
  const registration = {
    client_name: 'Conformance',
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
    application_type: 'native',
  }
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(registration_endpoint, { method: 'POST', headers, body: JSON.stringify(registration) })
  return (await json(answer, Registered)).client_id
}

export async function accessToken(issuer: string, resource: string, person: PersonKey): Promise<string> {
  const { authorization_endpoint, token_endpoint } = await discover(issuer)
  const redirectUri = 'http://127.0.0.1/callback'
  const clientId = await registerClient(issuer, redirectUri)
  const verifier = randomBytes(32).toString('base64url')
  const authorize = new URL(authorization_endpoint)
  authorize.search = new URLSearchParams({
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri,
    resource,
    state: randomBytes(16).toString('base64url'),
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  }).toString()
  const callback = await signInAs(person, authorize.href)
  const code = callback.searchParams.get('code')
  if (code === null) throw new Error(`the sign-in ended without a code: ${callback.search}`)
  const body = new URLSearchParams({
    grant_type: 'authorization_code',
    code,
    client_id: clientId,
    redirect_uri: redirectUri,
    resource,
    code_verifier: verifier,
  })
  return (await json(await fetch(token_endpoint, { method: 'POST', body }), Tokens)).access_token
}

async function discover(issuer: string): Promise<z.infer<typeof Metadata>> {
  return await json(await fetch(`${issuer}/.well-known/oauth-authorization-server`), Metadata)
}

async function json<T>(answer: Response, schema: z.ZodType<T>): Promise<T> {
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${answer.url} answered ${answer.status}: ${text.slice(0, 500)}`)
  return schema.parse(JSON.parse(text))
}
