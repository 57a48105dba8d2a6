// What a session wants to hear unasked, as `subscriptions/listen` of 2026-07-28 asks for it, and what comes of that.
import * as z from 'zod'
import { jsonIn } from '../message/response.ts'
import { editJson } from './json-edit.ts'
import { META } from '../message/revision.ts'

/** JSON of `params.notifications`; undefined where there is nothing to listen to. */
export function filterOf(offers: string, subscribed: readonly string[]): string | undefined {
  const { tools, prompts, resources } = offersSchema.parse(jsonIn(offers))
  const filter = {
    ...(tools.listChanged && { toolsListChanged: true }),
    ...(prompts.listChanged && { promptsListChanged: true }),
    ...(resources.listChanged && { resourcesListChanged: true }),
    ...(subscribed.length > 0 && { resourceSubscriptions: subscribed }),
  }
  return Object.keys(filter).length > 0 ? JSON.stringify(filter) : undefined
}

const offer = z
  .object({ listChanged: z.boolean().catch(false), subscribe: z.boolean().catch(false) })
  .catch({ listChanged: false, subscribe: false })
const offersSchema = z.object({ tools: offer, prompts: offer, resources: offer, logging: z.unknown().optional() })

export function offersSubscriptions(offers: string): boolean {
  return offersSchema.parse(jsonIn(offers)).resources.subscribe
}

export function offersLogging(offers: string): boolean {
  return offersSchema.parse(jsonIn(offers)).logging !== undefined
}

/** Whether a client could ever hear something unasked. */
export function offersStream(offers: string): boolean {
  return filterOf(offers, []) !== undefined || offersSubscriptions(offers)
}

const honoured = z.object({
  toolsListChanged: z.boolean().catch(false),
  promptsListChanged: z.boolean().catch(false),
  resourcesListChanged: z.boolean().catch(false),
  resourceSubscriptions: z.array(z.string()).catch([]),
})

export type HonouredFilter = z.output<typeof honoured>

const acknowledgedSchema = z.object({
  method: z.literal('notifications/subscriptions/acknowledged'),
  params: z.object({ notifications: honoured }),
})

/** What the server says it will send; undefined for any other message. */
export function acknowledgedIn(message: string): HonouredFilter | undefined {
  if (!message.includes('acknowledged') && !message.includes('\\u')) return undefined
  return acknowledgedSchema.safeParse(jsonIn(message)).data?.params.notifications
}

/** A notification of the stream as clients of the older revisions know it. */
export function withoutSubscriptionId(message: string): string {
  return editJson(message, [{ at: ['params', '_meta', META.subscription], to: undefined }])
}

/** In place of what may have been missed. */
export function allChanged(filter: HonouredFilter): readonly string[] {
  const lists = [
    filter.toolsListChanged && 'tools',
    filter.promptsListChanged && 'prompts',
    filter.resourcesListChanged && 'resources',
  ]
  const changed = lists.flatMap((list) => (list === false ? [] : [notification(`notifications/${list}/list_changed`)]))
  return [...changed, ...filter.resourceSubscriptions.map((uri) => notification('notifications/resources/updated', { uri }))]
}

function notification(method: string, params?: object): string {
  return JSON.stringify({ jsonrpc: '2.0', method, ...(params && { params }) })
}
