// SCIM (RFC 7644) over the Directory: what a provider sends becomes a command, and what the Directory knows becomes its answer.
//
// A write is answered when it counts: whom it shuts out has nothing open any more, and nobody keeps what a group gave.
import * as z from 'zod'
import type { FoundGroup, FoundUser, Provisioner, ProvisioningAnswer, ProvisioningCommand } from '../../directory/provisioning.ts'
import type { GroupFilter } from '../../directory/provisioned-groups.ts'
import type { UserFilter, UserWrite } from '../../directory/provisioned-users.ts'
import { conditionsIn } from './filter.ts'
import { groupChangeIn, groupIn, presentedGroup } from './group.ts'
import { documentSchema, listOf, noSuchResource, ScimError, withAttributes, type Document } from './message.ts'
import { MOST_RESULTS } from './discovery.ts'
import { operationsIn, patched } from './patch.ts'
import { presentedUser, userIn, wholeUser, type ScimUser } from './user.ts'

export interface ScimServiceOptions {
  /** Where SCIM of this provider is, without a slash at the end. */
  readonly base: string
  /** Asks the Directory about the people of this provider alone. */
  readonly provision: (command: ProvisioningCommand) => Promise<ProvisioningAnswer>
  /** Name of the session of whoever signs in as this subject. */
  readonly subOf: (subject: string) => Promise<string>
  readonly by: Provisioner
}

/** The query of a list (RFC 7644 section 3.4.2). */
export interface ListQuery {
  readonly filter?: string | undefined
  readonly startIndex?: string | undefined
  readonly count?: string | undefined
  readonly attributes?: string | undefined
  readonly excludedAttributes?: string | undefined
}

/** Two changes of the same user at a time: so often is the second one made on what the first has left. */
const ATTEMPTS = 5

export class ScimService {
  readonly #has: ScimServiceOptions

  constructor(options: ScimServiceOptions) {
    this.#has = options
  }

  async users(query: ListQuery): Promise<Document> {
    const { from, most } = sliceOf(query)
    const { users = [], total = 0 } = await this.#has.provision({
      op: 'users',
      filter: userFilter(query.filter),
      slice: { from, most },
    })
    return listOf(
      users.map((user) => this.#shown(presented(user, this.#has.base), query)),
      total,
      from + 1,
    )
  }

  async user(id: string, query: ListQuery = {}): Promise<Document> {
    return this.#shown(presented(await this.#found(id), this.#has.base), query)
  }

  async createUser(body: Document): Promise<Document> {
    const { users } = await this.#written({ user: await this.#writeOf(userIn(body)) })
    return this.#one(users)
  }

  async replaceUser(id: string, body: Document): Promise<Document> {
    return await this.#change(id, (before) => userIn(body, before))
  }

  async patchUser(id: string, body: Document): Promise<Document> {
    const operations = operationsIn(body)
    return await this.#change(id, (before) => userIn(patched(wholeUser(before), operations), before))
  }

  async deleteUser(id: string): Promise<void> {
    done(await this.#has.provision({ op: 'delete_user', id, by: this.#has.by }))
  }

  async groups(query: ListQuery): Promise<Document> {
    const { from, most } = sliceOf(query)
    const filter = groupFilter(query.filter)
    const withMembers = wantsMembers(query)
    const { groups = [], total = 0 } = await this.#has.provision({ op: 'groups', filter, slice: { from, most }, withMembers })
    return listOf(
      groups.map((group) => this.#shown(presentedGroup(group, this.#has.base), query)),
      total,
      from + 1,
    )
  }

  async group(id: string, query: ListQuery = {}): Promise<Document> {
    const asked = { op: 'groups', filter: { id }, slice: ONE, withMembers: wantsMembers(query) } as const
    const { groups: [group] = [] } = await this.#has.provision(asked)
    if (!group) throw noSuchResource()
    return this.#shown(presentedGroup(group, this.#has.base), query)
  }

  async createGroup(body: Document): Promise<Document> {
    const { members, ...name } = groupIn(body)
    return this.#oneGroup(await this.#writeGroup({ name, members: [{ set: members }] }))
  }

  async replaceGroup(id: string, body: Document): Promise<Document> {
    const { members, ...name } = groupIn(body)
    return this.#oneGroup(await this.#writeGroup({ id, name, members: [{ set: members }] }))
  }

  async patchGroup(id: string, body: Document): Promise<void> {
    const { members, ...name } = groupChangeIn(body)
    await this.#writeGroup({ id, name, members })
  }

  async deleteGroup(id: string): Promise<void> {
    done(await this.#has.provision({ op: 'delete_group', id, by: this.#has.by }))
  }

  async #found(id: string): Promise<FoundUser> {
    const { users: [user] = [] } = await this.#has.provision({ op: 'users', filter: { id }, slice: ONE })
    if (!user) throw noSuchResource()
    return user
  }

  async #change(id: string, change: (before: ScimUser) => ScimUser): Promise<Document> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const before = await this.#found(id)
      const user = await this.#writeOf(change({ ...before, document: documentIn(before.document) }))
      const answer = await this.#written({ known: { id, revision: before.revision }, user })
      if (answer.outcome !== 'stale') return this.#one(answer.users)
    }
    throw new ScimError(409, 'this user is being changed by somebody else: try again')
  }

  async #written(write: Pick<Extract<ProvisioningCommand, { op: 'write_user' }>, 'known' | 'user'>): Promise<ProvisioningAnswer> {
    return done(await this.#has.provision({ op: 'write_user', ...write, by: this.#has.by }))
  }

  async #writeGroup(
    write: Pick<Extract<ProvisioningCommand, { op: 'write_group' }>, 'id' | 'name' | 'members'>,
  ): Promise<readonly FoundGroup[] | undefined> {
    return done(await this.#has.provision({ op: 'write_group', ...write, by: this.#has.by })).groups
  }

  async #writeOf({ document, ...user }: ScimUser): Promise<UserWrite> {
    const sub = user.externalId === undefined ? undefined : await this.#has.subOf(user.externalId)
    return { ...user, document: JSON.stringify(document), sub }
  }

  #one(users: readonly FoundUser[] = []): Document {
    const [user] = users
    if (!user) throw noSuchResource()
    return presented(user, this.#has.base)
  }

  #oneGroup(groups: readonly FoundGroup[] = []): Document {
    const [group] = groups
    if (!group) throw noSuchResource()
    return presentedGroup(group, this.#has.base)
  }

  #shown(document: Document, { attributes, excludedAttributes }: ListQuery): Document {
    return withAttributes(document, namesIn(attributes), namesIn(excludedAttributes))
  }
}

const ONE = { from: 0, most: 1 }
const USUAL_COUNT = 100

function presented(user: FoundUser, base: string): Document {
  return presentedUser({ ...user, document: documentIn(user.document) }, base)
}

/** As it was stored: by `#writeOf`, by nobody else. */
function documentIn(text: string): Document {
  return documentSchema.parse(JSON.parse(text))
}

function done(answer: ProvisioningAnswer): ProvisioningAnswer {
  if (answer.outcome === 'not_found') throw noSuchResource()
  if (answer.outcome === 'taken')
    throw new ScimError(409, 'there is a user with this userName or externalId already', 'uniqueness')
  return answer
}

function sliceOf({ startIndex, count }: ListQuery): { readonly from: number; readonly most: number } {
  const [first, most] = [Number(startIndex ?? 1), Number(count ?? USUAL_COUNT)]
  if (!Number.isSafeInteger(first) || !Number.isSafeInteger(most))
    throw new ScimError(400, 'startIndex and count must be whole numbers', 'invalidValue')
  return { from: Math.max(first, 1) - 1, most: Math.min(Math.max(most, 0), MOST_RESULTS) }
}

function namesIn(list = ''): readonly string[] {
  return list
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
}

function wantsMembers({ attributes, excludedAttributes }: ListQuery): boolean {
  const named = (list: string | undefined): boolean => namesIn(list).some((name) => /^members(?:\.|$)/i.test(name))
  return !named(excludedAttributes) && (namesIn(attributes).length === 0 || named(attributes))
}

/** Throws for an attribute that is not looked for, or not with such a value. */
function userFilter(filter: string | undefined): UserFilter {
  return accepted(z.strictObject({ id, username: text, externalid: text, active: z.boolean() }).partial(), filter, (asked) => ({
    ...(asked.id !== undefined && { id: asked.id }),
    ...(asked.username !== undefined && { userName: asked.username }),
    ...(asked.externalid !== undefined && { externalId: asked.externalid }),
    ...(asked.active !== undefined && { active: asked.active }),
  }))
}

function groupFilter(filter: string | undefined): GroupFilter {
  const schema = z.strictObject({ id, displayname: text, externalid: text, members: text, 'members.value': text }).partial()
  return accepted(schema, filter, (asked) => {
    const member = asked.members ?? asked['members.value']
    return {
      ...(asked.id !== undefined && { id: asked.id }),
      ...(asked.displayname !== undefined && { displayName: asked.displayname }),
      ...(asked.externalid !== undefined && { externalId: asked.externalid }),
      ...(member !== undefined && { member }),
    }
  })
}

const text = z.string()
const id = text

function accepted<Asked, Filter>(schema: z.ZodType<Asked>, filter: string | undefined, read: (asked: Asked) => Filter): Filter {
  const named = filter === undefined ? [] : conditionsIn(filter).map(({ attribute, value }) => [attribute, value] as const)
  const asked = schema.safeParse(Object.fromEntries(named)).data
  if (asked === undefined)
    throw new ScimError(400, 'this attribute can not be filtered by, or not with this value', 'invalidFilter')
  return read(asked)
}
