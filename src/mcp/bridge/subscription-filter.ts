// What a client of 2026-07-28 listens for, and which of a legacy server's notifications that is.
import * as z from 'zod'

const filterSchema = z.looseObject({
  toolsListChanged: z.boolean().optional(),
  promptsListChanged: z.boolean().optional(),
  resourcesListChanged: z.boolean().optional(),
  resourceSubscriptions: z.array(z.string()).optional(),
})

export type SubscriptionFilter = z.output<typeof filterSchema>

/** Undefined where `params.notifications` is missing or not as the revision wants it. */
export function filterIn(params: Readonly<Record<string, unknown>>): SubscriptionFilter | undefined {
  return filterSchema.safeParse(params['notifications']).data
}

const listSchema = z
  .object({ listChanged: z.boolean().optional().catch(undefined) })
  .optional()
  .catch(undefined)

const offersSchema = z
  .object({
    tools: listSchema,
    prompts: listSchema,
    resources: z
      .object({ listChanged: z.boolean().optional().catch(undefined), subscribe: z.boolean().optional().catch(undefined) })
      .optional()
      .catch(undefined),
  })
  .catch({})

/** The part of it that a server with these capabilities can bring. */
export function honoured(filter: SubscriptionFilter, serverCapabilities: unknown): SubscriptionFilter {
  const { tools, prompts, resources } = offersSchema.parse(serverCapabilities)
  const uris = resources?.subscribe === true ? [...new Set(filter.resourceSubscriptions)] : []
  return {
    ...(filter.toolsListChanged === true && tools?.listChanged === true && { toolsListChanged: true }),
    ...(filter.promptsListChanged === true && prompts?.listChanged === true && { promptsListChanged: true }),
    ...(filter.resourcesListChanged === true && resources?.listChanged === true && { resourcesListChanged: true }),
    ...(uris.length > 0 && { resourceSubscriptions: uris }),
  }
}

/** The notifications of lists that changed, by what asks for them. */
const LIST_CHANGED = {
  toolsListChanged: 'notifications/tools/list_changed',
  promptsListChanged: 'notifications/prompts/list_changed',
  resourcesListChanged: 'notifications/resources/list_changed',
} as const

const RESOURCE_UPDATED = 'notifications/resources/updated'

/** Whether a method is brought by a subscription, and belongs to no request. */
export function isOfSubscriptions(method: string): boolean {
  return method === RESOURCE_UPDATED || Object.values(LIST_CHANGED).some((name) => name === method)
}

/** The notifications this filter asks for that say a list has changed. */
export function listsWanted(filter: SubscriptionFilter): readonly string[] {
  const wanted: string[] = []
  if (filter.toolsListChanged === true) wanted.push(LIST_CHANGED.toolsListChanged)
  if (filter.promptsListChanged === true) wanted.push(LIST_CHANGED.promptsListChanged)
  if (filter.resourcesListChanged === true) wanted.push(LIST_CHANGED.resourcesListChanged)
  return wanted
}

/**
 * Whether a listener gets this. `isNamed`: somebody has subscribed to exactly this URI; an update of one that nobody named may be of a part
 * of what somebody did (schema: "might be a sub-resource"), so everybody with subscriptions hears of it.
 */
export function wants(filter: SubscriptionFilter, method: string, uri: unknown, isNamed: boolean): boolean {
  if (method !== RESOURCE_UPDATED) return listsWanted(filter).includes(method)
  const uris = filter.resourceSubscriptions ?? []
  return isNamed ? uris.some((own) => own === uri) : uris.length > 0
}
