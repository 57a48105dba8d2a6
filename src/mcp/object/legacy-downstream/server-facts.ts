// What a legacy server has said of itself in the result of `initialize`.
import * as z from 'zod'
import { memberOf } from '../../bridge/json-edit.ts'
import { jsonIn } from '../../message/response.ts'

export interface ServerFacts {
  readonly capabilities: Readonly<Record<string, unknown>>
  /** As spelled, in JSON; undefined where it did not say so. */
  readonly serverInfo: string | undefined
  readonly instructions: string | undefined
}

const resultSchema = z.object({ capabilities: z.record(z.string(), z.unknown()).catch({}), protocolVersion: z.string().max(40) })

/** What was negotiated; undefined for what is no result of `initialize`. */
export function negotiatedVersion(result: string): string | undefined {
  return resultSchema.safeParse(jsonIn(result)).data?.protocolVersion
}

export function factsIn(result: string): ServerFacts {
  return {
    capabilities: resultSchema.safeParse(jsonIn(result)).data?.capabilities ?? {},
    serverInfo: memberOf(result, ['serverInfo']),
    instructions: memberOf(result, ['instructions']),
  }
}
