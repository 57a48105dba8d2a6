// /scim/v2 (RFC 7644): a company's directory says who works there, who does not any more, and who is in which group.
//
// Each identity provider has its own: a credential for one says nothing about the people of another.
import type { Context, MiddlewareHandler } from 'hono'
import { Hono } from 'hono/tiny'
import { personName } from '../caller.ts'
import { OAuthError } from '../clients/oauth-error.ts'
import type { CompanyDirectory } from '../directory/signalled-directory.ts'
import { log } from '../platform/telemetry.ts'
import { scimBase, type Services } from '../services.ts'
import { resourceTypes, schemas, serviceProviderConfig, wholeList } from '../signals/scim/discovery.ts'
import {
  documentSchema,
  ERROR_SCHEMA,
  noSuchResource,
  SCIM_MEDIA_TYPE,
  ScimError,
  type Document,
} from '../signals/scim/message.ts'
import { ScimService, type ScimServiceOptions } from '../signals/scim/scim-service.ts'
import { readText } from './form.ts'
import { guard, onlyMethods, type Variables } from './guards.ts'
import { machineOf } from './machine-caller.ts'

interface Provisioned {
  readonly Variables: Variables & { readonly scim: ScimService; readonly base: string }
}

const METHODS: readonly string[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']
/** A user has a name and some addresses; a group may have 50,000 members. */
const LARGEST = { user: 64 * 1024, group: 3_500_000 }
const MEDIA_TYPES: readonly string[] = [SCIM_MEDIA_TYPE, 'application/json']

export function scimRoutes(services: Services): Hono<Provisioned> {
  const routes = new Hono<Provisioned>()
  for (const { key } of services.providers.all) {
    const base = scimBase(services, key)
    const at = new URL(base).pathname
    const guards = [guard(onlyMethods(METHODS)), provisionersOnly(services, key)] as const
    const on = (method: string, path: string, handler: (c: Context<Provisioned>) => Promise<Response> | Response): void => {
      routes.on(method, at + path, ...guards, (c) => answered(c, handler))
    }
    on('GET', '/ServiceProviderConfig', () => answer(serviceProviderConfig(base)))
    on('GET', '/ResourceTypes', () => answer(wholeList(resourceTypes(base))))
    on('GET', '/ResourceTypes/:id', (c) => answer(named(resourceTypes(base), c)))
    on('GET', '/Schemas', () => answer(wholeList(schemas(base))))
    on('GET', '/Schemas/:id', (c) => answer(named(schemas(base), c)))
    on('GET', '/Users', async (c) => answer(await c.get('scim').users(c.req.query())))
    on('POST', '/Users', async (c) => created(await c.get('scim').createUser(await bodyOf(c, 'user'))))
    on('GET', '/Users/:id', async (c) => answer(await c.get('scim').user(idOf(c), c.req.query())))
    on('PUT', '/Users/:id', async (c) => answer(await c.get('scim').replaceUser(idOf(c), await bodyOf(c, 'user'))))
    on('PATCH', '/Users/:id', async (c) => answer(await c.get('scim').patchUser(idOf(c), await bodyOf(c, 'user'))))
    on('DELETE', '/Users/:id', async (c) => nothing(c.get('scim').deleteUser(idOf(c))))
    on('GET', '/Groups', async (c) => answer(await c.get('scim').groups(c.req.query())))
    on('POST', '/Groups', async (c) => created(await c.get('scim').createGroup(await bodyOf(c, 'group'))))
    on('GET', '/Groups/:id', async (c) => answer(await c.get('scim').group(idOf(c), c.req.query())))
    on('PUT', '/Groups/:id', async (c) => answer(await c.get('scim').replaceGroup(idOf(c), await bodyOf(c, 'group'))))
    on('PATCH', '/Groups/:id', async (c) => nothing(c.get('scim').patchGroup(idOf(c), await bodyOf(c, 'group'))))
    on('DELETE', '/Groups/:id', async (c) => nothing(c.get('scim').deleteGroup(idOf(c))))
    routes.all(`${at}/*`, ...guards, (c) => refused(c, noSuchResource()))
  }
  return routes
}

/** A machine credential with the scope `scim` for this provider (RFC 6750). */
function provisionersOnly(services: Services, key: string): MiddlewareHandler<Provisioned> {
  const base = scimBase(services, key)
  return async function scimGuard(c, next) {
    const machine = await machineOf(c.req.header('Authorization'), base, services)
    if (!machine) {
      const message = 'present a machine credential with the scope scim for this identity provider'
      return refused(c, new ScimError(401, message), { 'WWW-Authenticate': 'Bearer error="invalid_token"' })
    }
    const provider = services.providers.named(key)
    const issuer = (await provider?.ownIssuer()) ?? ''
    // Entra publishes a pattern where people of several tenants may sign in.
    if (!provider?.issues(issuer))
      return refused(c, new ScimError(403, 'this identity provider stands for several directories: name one in its address'))
    c.set('base', base)
    c.set('scim', new ScimService({ base, ...asking(services, { issuer, provider: key }), by: machine }))
    return await next()
  }
}

function asking({ directory }: Services, of: CompanyDirectory): Pick<ScimServiceOptions, 'provision' | 'subOf'> {
  const { issuer } = of
  return {
    provision: (command) => directory().provision(of, command),
    subOf: (subject) => personName({ issuer, subject }),
  }
}

async function answered(
  c: Context<Provisioned>,
  handler: (c: Context<Provisioned>) => Promise<Response> | Response,
): Promise<Response> {
  try {
    return await handler(c)
  } catch (error) {
    if (error instanceof ScimError) return refused(c, error)
    if (error instanceof OAuthError && error.status === 413) return refused(c, new ScimError(413, error.message, 'tooMany'))
    throw error
  }
}

async function bodyOf(c: Context, what: keyof typeof LARGEST): Promise<Document> {
  const type = c.req.header('Content-Type')?.split(';')[0]?.trim().toLowerCase() ?? ''
  if (!MEDIA_TYPES.includes(type)) throw new ScimError(400, `the body must be ${SCIM_MEDIA_TYPE}`, 'invalidSyntax')
  const text = await readText(c, LARGEST[what], `a ${what}`)
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    throw new ScimError(400, 'the body is not JSON', 'invalidSyntax')
  }
  const document = documentSchema.safeParse(json).data
  if (!document) throw new ScimError(400, 'the body must be a JSON object', 'invalidSyntax')
  return document
}

function idOf(c: Context): string {
  return c.req.param('id') ?? ''
}

function named(resources: readonly Document[], c: Context): Document {
  const found = resources.find(({ id }) => id === idOf(c))
  if (!found) throw noSuchResource()
  return found
}

function answer(document: Document, status = 200, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(JSON.stringify(document), {
    status,
    headers: { 'Content-Type': SCIM_MEDIA_TYPE, 'Cache-Control': 'no-store', ...headers },
  })
}

function created(document: Document): Response {
  const location = documentSchema.safeParse(document['meta']).data?.['location']
  return answer(document, 201, typeof location === 'string' ? { Location: location } : {})
}

async function nothing(work: Promise<void>): Promise<Response> {
  await work
  return new Response(null, { status: 204, headers: { 'Cache-Control': 'no-store' } })
}

function refused(c: Context<Provisioned>, error: ScimError, headers?: Readonly<Record<string, string>>): Response {
  const { status, scimType, message } = error
  const request_id = c.get('requestId')
  log('info', 'scim.refused', { status, code: scimType, method: c.req.method, request_id })
  const document = { schemas: [ERROR_SCHEMA], status: String(status), ...(scimType && { scimType }), detail: message, request_id }
  return answer(document, status, headers)
}
