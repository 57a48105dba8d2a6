// Who the broker is at the authorization server of a downstream: as configured, by its own metadata document, or registered there once.
import { isLoopback } from '../platform/loopback.ts'
import * as z from 'zod'
import type { KeyRing } from '../issuer/keys.ts'
import { seal, unseal } from '../platform/crypto.ts'
import { linkedClientSchema, type LinkedClient } from '../session/contract/link-client.ts'
import type { Downstream } from '../settings/downstreams.ts'
import { jsonBody } from '../oauth-client/ask.ts'
import { errorIn } from '../oauth-client/token-response.ts'
import { askServer, assertServerAtWork } from './ask.ts'
import type { AuthorizationServer } from './authorization-server.ts'
import { LinkError } from './link-error.ts'

/** Where the deployment keeps them; sealed before they get there. */
interface RegistrationStore {
  registration(resource: string): Promise<string | undefined>
  keepRegistration(resource: string, sealed: string): Promise<void>
}

export interface Registrar {
  readonly baseUrl: string
  readonly keys: KeyRing
  readonly store: RegistrationStore
  /** Whether tokens of an issuer open something here: the broker's own, and those that are exchanged. */
  readonly opensHere: (issuer: string) => boolean
  /** Unix seconds. */
  readonly now: () => number
}

type NamedServer = Pick<Downstream, 'name'>

/** The path that people come back to from one server's sign-in: one for each, so that no answer of one is taken for that of another. */
export function linkCallbackPath({ name }: NamedServer): string {
  return `/link/callback/${name}`
}

/**
 * A path of ours, so that an authorization server can read who the broker is (Client ID Metadata Documents). One for each server too: a
 * document that listed every callback would let an answer be sent to the one of another server.
 */
export function clientDocumentPath({ name }: NamedServer): string {
  return `/link/client/${name}.json`
}

const keptSchema = z.object({
  issuer: z.string(),
  client: linkedClientSchema,
  endsAt: z.number().exactOptional(),
  /** What was registered. Another one now, or none: the registration is made anew. */
  redirectUri: z.string().exactOptional(),
})
type KeptRegistration = z.output<typeof keptSchema>

type Method = LinkedClient['method']
/** A server keeps a secret well, so it proves itself where it may. */
const METHODS: readonly Method[] = ['client_secret_basic', 'client_secret_post', 'none']

// In this order: what an operator says wins, and a registration is made only where nothing else is understood.
export async function clientAt(server: AuthorizationServer, downstream: Downstream, registrar: Registrar): Promise<LinkedClient> {
  const { baseUrl, now } = registrar
  const kept = await keptFor(downstream, registrar)
  if (downstream.oauthClient) return await configured(server, downstream, downstream.oauthClient, kept, registrar)
  if (server.client_id_metadata_document_supported && baseUrl.startsWith('https:'))
    return { id: baseUrl + clientDocumentPath(downstream), method: 'none' }
  const redirectUri = baseUrl + linkCallbackPath(downstream)
  // Credentials of one authorization server are worth nothing, or too much, at another one (SEP-2352).
  const isGood = kept?.issuer === server.issuer && kept.redirectUri === redirectUri && (kept.endsAt ?? Infinity) > now()
  if (isGood) return asToldBy(downstream, kept.client)
  const registered = await register(server, downstream, registrar)
  await keep(downstream, { issuer: server.issuer, redirectUri, ...registered }, registrar)
  return asToldBy(downstream, registered.client)
}

/** Who the broker said it was when the person was sent away. */
export async function clientAgain(
  issuer: string,
  id: string,
  downstream: Downstream,
  registrar: Registrar,
): Promise<LinkedClient> {
  const kept = await keptFor(downstream, registrar)
  if (kept?.issuer === issuer && kept.client.id === id) return asToldBy(downstream, kept.client)
  if (id === registrar.baseUrl + clientDocumentPath(downstream)) return { id, method: 'none' }
  throw new LinkError('invalid', 'the client the person was sent with is not known any more')
}

/** Some servers announce one way to authenticate and take another: an operator knows better than metadata and registration. */
function asToldBy({ authorization }: Downstream, client: LinkedClient): LinkedClient {
  const method = authorization?.clientAuth
  return client.secret === undefined || method === undefined ? client : { ...client, method }
}

/** To be called when the authorization server does not know the client: the next person makes a new one. */
export async function forgetClient(downstream: Downstream, { store }: Registrar): Promise<void> {
  if (!downstream.oauthClient) await store.keepRegistration(downstream.resource, '')
}

/** What the document of a server says, and what a registration there asks for. */
export function clientMetadata(baseUrl: string, downstream: NamedServer): Readonly<Record<string, unknown>> {
  const url = new URL(baseUrl)
  return {
    // Whoever is asked for consent reads which server it is for.
    client_name: `MCP Session Broker (${url.host}, ${downstream.name})`,
    client_uri: baseUrl,
    redirect_uris: [baseUrl + linkCallbackPath(downstream)],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    application_type: isLoopback(url) ? 'native' : 'web',
  }
}

/**
 * The secret an operator was given by one authorization server: the first at which it is used stays the only one, whoever the
 * downstream names later. A new client id is how an operator says that it has moved.
 */
async function configured(
  server: AuthorizationServer,
  downstream: Downstream,
  { id, secret }: NonNullable<Downstream['oauthClient']>,
  kept: KeptRegistration | undefined,
  registrar: Registrar,
): Promise<LinkedClient> {
  if (kept?.client.id === id && kept.issuer !== server.issuer)
    throw new LinkError('invalid', `the client ${id} belongs to ${kept.issuer}, and the server now names ${server.issuer}`)
  const client: LinkedClient =
    secret === undefined
      ? { id, method: 'none' }
      : {
          id,
          secret,
          method: downstream.authorization?.clientAuth ?? methodFor(server, ['client_secret_basic', 'client_secret_post']),
        }
  if (kept?.client.id !== id || kept.client.secret !== secret || kept.client.method !== client.method)
    await keep(downstream, { issuer: server.issuer, client }, registrar)
  return client
}

const registeredSchema = z.object({
  client_id: z.string().min(1).max(1_024),
  client_secret: z.string().min(1).max(8_192).optional().catch(undefined),
  client_secret_expires_at: z.number().optional().catch(undefined),
  token_endpoint_auth_method: z.enum(METHODS).optional().catch(undefined),
})

async function register(
  server: AuthorizationServer,
  downstream: Downstream,
  { baseUrl }: Registrar,
): Promise<{ readonly client: LinkedClient; readonly endsAt?: number }> {
  const { issuer, registration_endpoint } = server
  if (registration_endpoint === undefined)
    throw new LinkError(
      'invalid',
      `${issuer} lets no client register: create one there for ${baseUrl + linkCallbackPath(downstream)} and set it as "oauth" of the server`,
    )
  const method = downstream.authorization?.clientAuth ?? methodFor(server, METHODS)
  const asked = { ...clientMetadata(baseUrl, downstream), token_endpoint_auth_method: asRegistered(method) }
  const headers = { accept: 'application/json', 'content-type': 'application/json' }
  const answer = await askServer(registration_endpoint, { method: 'POST', headers, body: JSON.stringify(asked) })
  assertServerAtWork(answer, 'the registration endpoint')
  const body = await jsonBody(answer)
  const given = answer.ok ? registeredSchema.safeParse(body).data : undefined
  if (!given) {
    const { code, text = 'without a client' } = errorIn(body) ?? {}
    throw new LinkError('refused', `the registration endpoint answered ${answer.status} ${text}`, { code })
  }
  const {
    client_id: id,
    client_secret: secret,
    client_secret_expires_at: endsAt,
    token_endpoint_auth_method: agreed = method,
  } = given
  // A secret nobody asks for is not sent.
  const client: LinkedClient = secret === undefined || agreed === 'none' ? { id, method: 'none' } : { id, secret, method: agreed }
  return { client, ...(endsAt !== undefined && endsAt > 0 && { endsAt }) }
}

/** How it is encoded is nothing a server is told. */
function asRegistered(method: Method): Method {
  return method === 'client_secret_basic_raw' ? 'client_secret_basic' : method
}

/** RFC 8414 section 2: where nothing is said, Basic. */
function methodFor({ token_endpoint_auth_methods_supported: supported }: AuthorizationServer, wanted: readonly Method[]): Method {
  return wanted.find((method) => supported?.includes(method)) ?? 'client_secret_basic'
}

async function keptFor({ resource }: Downstream, { store, keys }: Registrar): Promise<KeptRegistration | undefined> {
  const sealed = (await store.registration(resource)) ?? ''
  if (sealed === '') return undefined
  const { current, previous } = keys
  const text =
    (await unseal(current.vault, sealed, contextOf(resource))) ??
    (previous && (await unseal(previous.vault, sealed, contextOf(resource))))
  return text === undefined ? undefined : keptSchema.parse(JSON.parse(text))
}

async function keep({ resource }: Downstream, kept: KeptRegistration, { store, keys }: Registrar): Promise<void> {
  await store.keepRegistration(resource, await seal(keys.current.vault, JSON.stringify(kept), contextOf(resource)))
}

function contextOf(resource: string): string {
  return `client at ${resource}`
}
