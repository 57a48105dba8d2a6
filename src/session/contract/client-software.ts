// What a client says it is: `clientInfo` of `initialize` in the legacy eras, of `_meta` in the modern one; its own word, shown as such.
import * as z from 'zod'
import { redact } from '../../platform/redact.ts'

const LONGEST_NAME = 80
const LONGEST_VERSION = 40

export const clientSoftware = z.object({
  name: z.string().transform((name) => redact(name).slice(0, LONGEST_NAME)),
  version: z
    .string()
    .transform((version) => redact(version).slice(0, LONGEST_VERSION))
    .catch(''),
})
export type ClientSoftware = z.output<typeof clientSoftware>

const initializeMessage = z.object({ params: z.object({ clientInfo: clientSoftware }) })

/** Undefined when it says nothing that can be read. */
export function softwareOf(clientInfo: unknown): ClientSoftware | undefined {
  return clientSoftware.safeParse(clientInfo).data
}

/** In the `initialize` message of a session, as its client sent it. */
export function softwareIn(initialize: string): ClientSoftware | undefined {
  try {
    return initializeMessage.safeParse(JSON.parse(initialize)).data?.params.clientInfo
  } catch {
    return undefined
  }
}
