// A request of 2026-07-28 as a server of the legacy eras gets it: what belongs to the later revision goes, everything else keeps every byte.
import { editJson, memberOf, type JsonChange } from './json-edit.ts'
import { OWN_META } from '../message/revision.ts'

/** Of the protocol that answers a question of the server's by asking again. */
const OF_RETRIES = ['inputResponses', 'requestState'] as const

type Meta = Readonly<Record<string, unknown>>

/**
 * With an id of the broker's own, which is the progress token too where the client has one: clients without sessions have the same ids
 * open twice. `meta` is what was read of `params._meta`, which names nothing twice.
 */
export function legacyRequest(body: string, meta: Meta, id: string): string {
  return editJson(body, [
    { at: ['id'], to: JSON.stringify(id) },
    ...metaChanges(meta, id),
    ...OF_RETRIES.map((name) => gone(['params', name])),
  ])
}

/** A notification has no id, and means the same in both eras. */
export function legacyNotification(body: string, meta: Meta): string {
  return editJson(body, metaChanges(meta, undefined))
}

/** The token as its client spelled it, in JSON. */
export function progressTokenIn(body: string): string | undefined {
  return memberOf(body, ['params', '_meta', 'progressToken'])
}

function metaChanges(meta: Meta, token: string | undefined): readonly JsonChange[] {
  const names = Object.keys(meta)
  const own = names.filter((name) => name.startsWith(OWN_META))
  if (own.length === names.length) return [gone(['params', '_meta'])]
  const changes = own.map((name) => gone(['params', '_meta', name]))
  if (token === undefined || !names.includes('progressToken')) return changes
  return [...changes, { at: ['params', '_meta', 'progressToken'], to: JSON.stringify(token) }]
}

function gone(at: readonly string[]): JsonChange {
  return { at, to: undefined }
}
