// Documents at well-known addresses (RFC 8414, RFC 9728, OpenID Connect Discovery): the first address that has one says it.
import type * as z from 'zod'
import { jsonBody, type Ask } from './ask.ts'

export interface Published<Document> {
  readonly found: Document | undefined
  /** Each address that did not have it, with what it said instead. */
  readonly failures: readonly string[]
  /** Whether every address said that it has nothing. */
  readonly isNothingThere: boolean
}

export interface DocumentSearch<Document> {
  readonly addresses: Iterable<string>
  readonly schema: z.ZodType<Document>
  /** Throws where there is no answer, or somebody who is down or overrun: the next address would say something else. */
  readonly ask: Ask
  /** What else is wrong with a document; undefined: nothing. */
  readonly faultOf?: (document: Document) => string | undefined
}

export async function firstPublished<Document>({
  addresses,
  schema,
  ask,
  faultOf,
}: DocumentSearch<Document>): Promise<Published<Document>> {
  const failures: string[] = []
  let isNothingThere = true
  for (const address of addresses) {
    const answer = await ask(address, { method: 'GET', headers: { accept: 'application/json' } })
    const found = answer.ok ? schema.safeParse(await jsonBody(answer)) : undefined
    const fault = found?.success ? faultOf?.(found.data) : `answered ${answer.status} without metadata`
    if (found?.success && fault === undefined) return { found: found.data, failures, isNothingThere: false }
    isNothingThere &&= answer.status >= 400
    failures.push(`${address} ${fault ?? ''}`)
    if (!answer.bodyUsed) await answer.body?.cancel()
  }
  return { found: undefined, failures, isNothingThere }
}

/** Identical (RFC 8414 section 3.3) but for the slash an operator's setting may end with or lack. */
export function isSameIssuer(named: string, configured: string): boolean {
  return named.replace(/\/$/, '') === configured.replace(/\/$/, '')
}
