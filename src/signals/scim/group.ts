// A group as SCIM names one (RFC 7643 section 4.2): its name, and users by their ids.
import type { MemberChange } from '../../directory/provisioned-groups.ts'
import { attribute, documentSchema, GROUP_SCHEMA, ScimError, textOf, type Document } from './message.ts'
import { operationsIn, type PatchOperation } from './patch.ts'
import { metaOf } from './user.ts'

export interface ScimGroup {
  readonly displayName: string
  /** At Entra the object id of the group, which its tokens call it by. */
  readonly externalId: string | undefined
}

/** What a PATCH or PUT changes; members in the order they were named, the last word counts. */
export interface GroupChange {
  readonly displayName?: string
  readonly externalId?: string | undefined
  readonly members: readonly MemberChange[]
}

const LONGEST = { name: 1_024, id: 128 }
const MOST_MEMBERS = 100_000
/** Groups of people are kept one to a line. */
const CONTROL = /\p{Cc}/u

export function groupIn(document: Document): ScimGroup & { readonly members: readonly string[] } {
  const displayName = nameIn(document)
  if (displayName === undefined) throw new ScimError(400, 'displayName is missing', 'invalidValue')
  const externalId = nameIn(document, 'externalId')
  return { displayName, externalId, members: idsIn(attribute(document, 'members')) }
}

export function groupChangeIn(body: Document): GroupChange {
  let change: GroupChange = { members: [] }
  for (const operation of operationsIn(body)) change = { ...change, ...changeOf(operation, change.members) }
  return change
}

function changeOf({ op, path, value }: PatchOperation, members: readonly MemberChange[]): Partial<GroupChange> {
  const name = path?.attribute.toLowerCase()
  if (name === 'displayname' && op !== 'remove') {
    const displayName = nameIn({ displayName: value })
    return displayName === undefined ? {} : { displayName }
  }
  if (name === 'externalid') return { externalId: op === 'remove' ? undefined : nameIn({ externalId: value }, 'externalId') }
  // Okta sends the id along with the name; nothing else of a group decides anything.
  if (name !== 'members') return {}
  const named = path?.where?.flatMap((condition) => (typeof condition.value === 'string' ? [condition.value] : []))
  if (op === 'remove')
    return { members: [...members, named || value !== undefined ? { remove: named ?? idsIn(value) } : { set: [] }] }
  return { members: [...members, op === 'replace' ? { set: idsIn(value) } : { add: idsIn(value) }] }
}

function nameIn(document: Document, name = 'displayName'): string | undefined {
  const text = textOf(document, name, LONGEST.name)
  if (text !== undefined && CONTROL.test(text)) throw new ScimError(400, `${name} must be one line`, 'invalidValue')
  return text
}

/** Ids of users, each once; who is not known yet may be told of later. */
function idsIn(members: unknown): readonly string[] {
  if (members === undefined || members === null) return []
  const list: readonly unknown[] = Array.isArray(members) ? members : [members]
  if (list.length > MOST_MEMBERS) throw new ScimError(413, 'a group may have 100,000 members', 'tooMany')
  return [...new Set(list.map(idIn))]
}

function idIn(member: unknown): string {
  const value = typeof member === 'string' ? member : attribute(documentSchema.safeParse(member).data ?? {}, 'value')
  if (typeof value !== 'string' || value === '' || value.length > LONGEST.id)
    throw new ScimError(400, 'each member needs a value: the id of a user', 'invalidValue')
  return value
}

/** As stored; members only where somebody asked for them. */
export interface StoredGroup extends ScimGroup {
  readonly id: string
  /** Unix seconds. */
  readonly createdAt: number
  readonly changedAt: number
  readonly members?: readonly { readonly id: string; readonly name: string | undefined }[]
}

export function presentedGroup(group: StoredGroup, base: string): Document {
  const { id, displayName, externalId, members, createdAt, changedAt } = group
  return {
    schemas: [GROUP_SCHEMA],
    id,
    displayName,
    ...(externalId !== undefined && { externalId }),
    ...(members && {
      members: members.map((member) => ({
        value: member.id,
        ...(member.name !== undefined && { display: member.name }),
        $ref: `${base}/Users/${member.id}`,
      })),
    }),
    meta: metaOf('Group', `${base}/Groups/${id}`, createdAt, changedAt),
  }
}
