// What a company's directory does by SCIM (RFC 7644): users and groups are written down, and whoever it concerns is told before the answer.
//
// Each change and the action that carries it to people's objects are stored in one transaction: what is told to nobody is not done.
import { randomId } from '../platform/crypto.ts'
import type { ActionTarget, Receipt } from '../session/contract/receipt.ts'
import type { Provisioned, ProvisionedAsked } from '../session/contract/provisioned.ts'
import type { BulkActions } from './bulk-actions.ts'
import type { People } from './people.ts'
import type { GroupFilter, GroupName, Member, MemberChange, ProvisionedGroup, ProvisionedGroups } from './provisioned-groups.ts'
import type { ProvisionedUser, ProvisionedUsers, Slice, UserFilter, UserWrite } from './provisioned-users.ts'

/** On whose behalf: the machine credential of the directory. */
export interface Provisioner {
  readonly actor: string
  readonly actorName: string
}

export type ProvisioningCommand =
  | { readonly op: 'users'; readonly filter: UserFilter; readonly slice: Slice }
  | { readonly op: 'groups'; readonly filter: GroupFilter; readonly slice: Slice; readonly withMembers: boolean }
  | {
      readonly op: 'write_user'
      /** Absent: a new one. With the revision it was read in, so that of two changes at a time none is lost. */
      readonly known?: { readonly id: string; readonly revision: number }
      readonly user: UserWrite
      readonly by: Provisioner
    }
  | { readonly op: 'delete_user'; readonly id: string; readonly by: Provisioner }
  | {
      readonly op: 'write_group'
      readonly id?: string
      /** Absent: as it is called. */
      readonly name?: Partial<GroupName>
      readonly members: readonly MemberChange[]
      readonly by: Provisioner
    }
  | { readonly op: 'delete_group'; readonly id: string; readonly by: Provisioner }

export type FoundUser = ProvisionedUser & { readonly groups: readonly { readonly id: string; readonly name: string }[] }
export type FoundGroup = ProvisionedGroup & { readonly members?: readonly Member[] }

export interface ProvisioningAnswer {
  /** `stale`: it has changed since it was read. */
  readonly outcome: 'done' | 'not_found' | 'taken' | 'stale'
  readonly users?: readonly FoundUser[]
  readonly groups?: readonly FoundGroup[]
  readonly total?: number
  /** Of what has come of it for people. */
  readonly receipt?: Receipt
}

export interface ProvisioningOptions {
  readonly users: ProvisionedUsers
  readonly groups: ProvisionedGroups
  readonly people: People
  readonly bulkActions: BulkActions
  /** Whether a rule names this group of the issuer. */
  readonly isNamed: (issuer: string, group: string) => boolean
  /** Unix seconds. */
  readonly now: () => number
}

export class Provisioning {
  readonly #has: ProvisioningOptions

  constructor(options: ProvisioningOptions) {
    this.#has = options
  }

  /** What counts for a person now; undefined where no directory has said anything that concerns them. */
  countsFor({ sub, issuer, groups: claimed }: ProvisionedAsked): Provisioned | undefined {
    const { users, groups } = this.#has
    const user = users.statusOf(sub)
    const known = groups.known(issuer, claimed)
    if (!user && known.size === 0) return undefined
    const names = user ? groups.groupsOf(user.id).flatMap((group) => this.#namesOf(issuer, group)) : []
    const isIn = new Set(names)
    return { active: user?.active ?? true, groups: [...isIn], without: [...known].filter((name) => !isIn.has(name)) }
  }

  async carryOut(issuer: string, command: ProvisioningCommand): Promise<ProvisioningAnswer> {
    const { users, groups } = this.#has
    if (command.op === 'users') {
      const { total, users: found } = users.page(issuer, command.filter, command.slice)
      return { outcome: 'done', total, users: found.map((user) => this.#withGroups(user)) }
    }
    if (command.op === 'groups') {
      const { total, groups: found } = groups.page(issuer, command.filter, command.slice)
      const members = (id: string): Pick<FoundGroup, 'members'> => (command.withMembers ? { members: groups.members(id) } : {})
      return { outcome: 'done', total, groups: found.map((group) => ({ ...group, ...members(group.id) })) }
    }
    if (command.op === 'write_user') return await this.#writeUser(issuer, command)
    if (command.op === 'delete_user') return await this.#deleteUser(issuer, command)
    return command.op === 'write_group' ? await this.#writeGroup(issuer, command) : await this.#deleteGroup(issuer, command)
  }

  async #writeUser(
    issuer: string,
    { known, user, by }: Extract<ProvisioningCommand, { op: 'write_user' }>,
  ): Promise<ProvisioningAnswer> {
    const { users, now } = this.#has
    const before = known && users.find(issuer, known.id)
    if (known && !before) return { outcome: 'not_found' }
    if (before && before.revision !== known?.revision) return { outcome: 'stale' }
    const id = known?.id ?? randomId(16)
    if (users.taken(issuer, user, id)) return { outcome: 'taken' }
    const wasActive = user.sub === undefined || (users.statusOf(user.sub)?.active ?? true)
    const isOther = before !== undefined && before.sub !== user.sub
    const concerned = [...new Set([before?.sub, user.sub])].flatMap((sub) => sub ?? [])
    const action = user.active ? (wasActive ? 'apply' : 'unblock') : 'block'
    const isNews = user.active !== wasActive || isOther
    const written: { user?: ProvisionedUser } = {}
    const write = (): void => {
      written.user = users.write(issuer, id, user, now())
    }
    if (!isNews) write()
    const receipt = isNews ? await this.#told(issuer, concerned, { action, target: personOf(user.sub) }, by, write) : undefined
    return { outcome: 'done', users: written.user ? [this.#withGroups(written.user)] : [], ...(receipt && { receipt }) }
  }

  async #deleteUser(
    issuer: string,
    { id, by }: Extract<ProvisioningCommand, { op: 'delete_user' }>,
  ): Promise<ProvisioningAnswer> {
    const { users, groups, now } = this.#has
    const user = users.find(issuer, id)
    if (!user) return { outcome: 'not_found' }
    const receipt = await this.#told(
      issuer,
      [user.sub].flatMap((sub) => sub ?? []),
      { action: 'block', target: personOf(user.sub) },
      by,
      () => {
        users.remove(id, now())
        groups.forgetMember(id)
      },
    )
    return { outcome: 'done', ...(receipt && { receipt }) }
  }

  async #writeGroup(
    issuer: string,
    { id: known, name, members, by }: Extract<ProvisioningCommand, { op: 'write_group' }>,
  ): Promise<ProvisioningAnswer> {
    const { groups, people, now } = this.#has
    const before = known === undefined ? undefined : groups.find(issuer, known)
    if (known !== undefined && !before) return { outcome: 'not_found' }
    const id = known ?? randomId(16)
    const after = { displayName: '', externalId: undefined, ...before, ...name }
    const isCalledOtherwise = before?.displayName !== after.displayName || before.externalId !== after.externalId
    const inBefore = new Set(groups.subsIn(id))
    const written: { group?: ProvisionedGroup } = {}
    const concerned = (beginning: ReadonlySet<string>): readonly string[] => {
      const inAfter = new Set(groups.subsIn(id))
      const all = [...new Set([...inBefore, ...inAfter])]
      // Of whom a token says that they are in it, it counts from now on only if the directory says so too.
      if (isCalledOtherwise)
        return [...new Set([...all, ...beginning, ...people.inGroup(issuer, [after.displayName, after.externalId ?? ''])])]
      return all.filter((sub) => !inBefore.has(sub) || !inAfter.has(sub))
    }
    const what = { action: 'apply', target: { what: 'group', id: after.displayName } } as const
    const receipt = await this.#told(issuer, concerned, what, by, () => {
      written.group = groups.write(issuer, id, after, now())
      groups.change(id, members)
    })
    return { outcome: 'done', groups: written.group ? [written.group] : [], ...(receipt && { receipt }) }
  }

  async #deleteGroup(
    issuer: string,
    { id, by }: Extract<ProvisioningCommand, { op: 'delete_group' }>,
  ): Promise<ProvisioningAnswer> {
    const { groups } = this.#has
    const group = groups.find(issuer, id)
    if (!group) return { outcome: 'not_found' }
    const what = { action: 'apply', target: { what: 'group', id: group.displayName } } as const
    const receipt = await this.#told(issuer, groups.subsIn(id), what, by, () => groups.remove(id))
    return { outcome: 'done', ...(receipt && { receipt }) }
  }

  /** Writes, and tells those of the people whose objects know them; the others hear it when they sign in. */
  async #told(
    issuer: string,
    concerned: readonly string[] | ((beginning: ReadonlySet<string>) => readonly string[]),
    what: { readonly action: keyof typeof EVENTS; readonly target: ActionTarget },
    { actor, actorName }: Provisioner,
    write: () => void,
  ): Promise<Receipt | undefined> {
    const order = { id: randomId(12), at: this.#has.now(), by: actor, byName: actorName, why: 'SCIM', ...what }
    const event = what.target.what === 'group' ? 'group changed' : EVENTS[what.action]
    const signal = { door: 'scim', issuer, jti: order.id, event, receivedAt: Date.now() } as const
    return await this.#has.bulkActions.tell(order, signal, (beginning) => {
      write()
      return typeof concerned === 'function' ? concerned(beginning) : concerned
    })
  }

  #withGroups(user: ProvisionedUser): FoundUser {
    const groups = this.#has.groups.groupsOf(user.id).map(({ id, displayName }) => ({ id, name: displayName }))
    return { ...user, groups }
  }

  /** As rules and servers know it; under its id only where a rule names that. */
  #namesOf(issuer: string, { displayName, externalId }: GroupName): readonly string[] {
    return externalId !== undefined && this.#has.isNamed(issuer, externalId) ? [displayName, externalId] : [displayName]
  }
}

/** As a receipt names what was said. */
const EVENTS = { block: 'user not active', unblock: 'user active', apply: 'user changed' } as const

function personOf(sub: string | undefined): ActionTarget {
  return { what: 'person', sub }
}
