// What the router tells the object about a request of 2026-07-28 that a legacy server is to answer.
import * as z from 'zod'
import { callerSchema } from '../../caller.ts'

/** Never copied from a client's request: the router builds the request to the object from an allow-list. */
export const TRANSLATION_HEADER = 'x-broker-translate'

/**
 * On an answer after whose body nothing will come: the router holds its stream open for as long as the client wants, and the object can
 * sleep.
 */
export const HELD_HEADER = 'x-broker-held'

/** On an answer of a server that has turned out to speak 2026-07-28 meanwhile: what it is asked next needs no translation. */
export const ERA_HEADER = 'x-broker-era'

const orderSchema = z.object({
  caller: callerSchema,
  requestId: z.string(),
  label: z.string(),
  /** Of the message, as spelled: the router has judged the body. */
  id: z.string().optional(),
})

export type TranslationOrder = z.output<typeof orderSchema>

export function translationIn(headers: Headers): TranslationOrder {
  return orderSchema.parse(JSON.parse(headers.get(TRANSLATION_HEADER) ?? ''))
}

/** What of a request is for the server: nothing that belongs to the later revision. */
export function passedOn(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith('mcp-')))
}
