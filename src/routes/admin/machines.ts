// Creating a machine credential: noted in the Directory, opened as a session of its own, and its token handed out this once.
import type { ListedMachine, MachineRecord, MachineScope } from '../../directory/machines.ts'
import type { Receipt } from '../../session/contract/receipt.ts'
import { OAuthError } from '../../clients/oauth-error.ts'
import { canonicalResource, defaultScopes } from '../../oauth/resource.ts'
import { adminResourceOf, metricsResourceOf, scimBase, type Services } from '../../services.ts'
import type { Downstream } from '../../settings/downstreams.ts'
import { orderOf, type Acting } from './actions.ts'
import type { Page } from './reading.ts'

export interface NewMachine {
  readonly name: string
  readonly owner: string
  readonly scopes: readonly MachineScope[]
  /** All of them when absent. */
  readonly resources?: readonly string[] | undefined
  /** Further scopes that some tools need; none when absent. */
  readonly toolScopes?: readonly string[] | undefined
  /** With the scope `scim`: whose directory it is. The only identity provider when absent. */
  readonly provider?: string | undefined
  /** Unix seconds. */
  readonly expiresAt: number
}

export interface CreatedMachine {
  readonly machine: MachineRecord
  /** Nobody can show it again. */
  readonly token: string
  readonly receipt: Receipt
}

const LONGEST_LIFE = 2 * 365 * 86_400

/** Throws an `OAuthError` that says what can not be. */
export async function createMachine(services: Services, asked: NewMachine, acting: Acting): Promise<CreatedMachine> {
  const { settings, machines, now } = services
  const { name, owner, expiresAt } = asked
  const scopes = [...new Set(asked.scopes)]
  if (expiresAt <= now() || expiresAt > now() + LONGEST_LIFE)
    throw new OAuthError('invalid_request', 'expiresAt must be in the future, and at most two years away')
  const servers = scopes.includes('mcp') ? serversOf(asked, services) : []
  const unknown = asked.toolScopes?.find((scope) => !servers.some((server) => server.scopes.includes(scope)))
  if (unknown !== undefined) throw new OAuthError('invalid_scope', `no server it may use has the scope ${unknown}`)
  const scim = scopes.includes('scim') ? [scimOf(asked, services)] : []
  const resources = [...servers.map(({ resource }) => resource), ...scim]
  const { id, sub, subject, token, prefix, grantId } = await machines.create()
  const machine = { id, sub, name, owner, prefix, scopes, resources, createdAt: now(), createdBy: acting.actor, expiresAt }
  // First the note, then the session: nothing that can be used is ever without one.
  const receipt = await services
    .directory()
    .keepMachine(machine, orderOf(services, 'create', { what: 'machine', id, sub }, acting))
  const allowed = [
    ...servers.map((server) => ({ resource: server.resource, scopes: scopesOf(server, asked) })),
    ...scim.map((resource) => ({ resource, scopes: ['scim'] })),
    ...(scopes.includes('metrics') ? [{ resource: metricsResourceOf(settings), scopes: ['metrics'] }] : []),
    ...(scopes.includes('admin') ? [{ resource: adminResourceOf(settings), scopes: ['admin'] }] : []),
  ]
  const grants = await Promise.all(allowed.map(async (grant) => ({ ...grant, id: await grantId(grant.resource) })))
  const identity = { issuer: settings.baseUrl, subject, name, groups: [] }
  const by = { actor: acting.actor, actorName: acting.actorName, reason: acting.reason }
  await services
    .session(sub)
    .enrol({ identity, clientId: id, clientName: name, grants, createdAt: machine.createdAt, endsAt: expiresAt }, by)
  return { machine, token, receipt }
}

function scimOf({ provider }: NewMachine, services: Services): string {
  const { providers } = services
  const found = provider === undefined ? providers.only : providers.named(provider)
  if (found) return scimBase(services, found.key)
  throw new OAuthError(
    'invalid_request',
    `provider must name whose directory it is: ${providers.all.map(({ key }) => key).join(', ')}`,
  )
}

/** Newest first. */
export async function listMachines(services: Services, before?: number): Promise<Page<ListedMachine>> {
  const { machines, next } = await services.directory().machines(before)
  return { items: machines, next: next === undefined ? undefined : String(next) }
}

/** What proves a person to such a server they got by signing in somewhere. */
export function wantsPerson({ auth }: Downstream): boolean {
  return auth === 'idp-token' || auth === 'oauth'
}

/** What a client gets that asks for nothing else, and what the administrator has named: there is no person to ask. */
function scopesOf(server: Downstream, { toolScopes = [] }: NewMachine): readonly string[] {
  return [...new Set([...defaultScopes(server), ...toolScopes.filter((scope) => server.scopes.includes(scope))])]
}

function serversOf({ resources }: NewMachine, { settings: { downstreams } }: Services): readonly Downstream[] {
  const meant = resources?.map((resource) => canonicalResource([resource], downstreams)) ?? downstreams
  const unfit = meant.find(wantsPerson)
  if (unfit)
    throw new OAuthError('invalid_target', `${unfit.resource} wants a token that only a person can have, and no machine does`)
  return [...new Set(meant)]
}
