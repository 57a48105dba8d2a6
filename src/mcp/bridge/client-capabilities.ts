// What a client of 2026-07-28 declares, as a client of the legacy eras would declare it in `initialize`; and what a question of the server's needs.
import type { ClientCapabilities } from './request-sender.ts'
import { canonical } from '../../platform/canonical-json.ts'
import { OWN_META } from '../message/revision.ts'

/** Experimental in 2025-11-25 and another thing in 2026-07-28: translated in neither direction. */
export const TASKS = `${OWN_META}tasks`

/**
 * In a fixed order of members: two sets are the same exactly when this is. `listChanged` of roots is left out, because a client without a
 * session has no way to say that they changed.
 */
export function legacyCapabilities({ roots, sampling, elicitation, experimental, extensions }: ClientCapabilities): string {
  const { [TASKS]: _tasks, ...others } = extensions ?? {}
  return canonical({
    ...(elicitation && { elicitation }),
    ...(experimental && { experimental }),
    ...(Object.keys(others).length > 0 && { extensions: others }),
    ...(roots && { roots: {} }),
    ...(sampling && { sampling }),
  })
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What of it a client has not declared that is to be asked this; undefined where it can be asked. */
export function missingFor(
  { method, params }: { readonly method: string; readonly params: Readonly<Record<string, unknown>> },
  { roots, sampling, elicitation }: ClientCapabilities,
): Readonly<Record<string, unknown>> | undefined {
  if (method === 'roots/list') return roots ? undefined : { roots: {} }
  if (method === 'elicitation/create') {
    if (params['mode'] === 'url') return elicitation?.['url'] === undefined ? { elicitation: { url: {} } } : undefined
    // An empty object is what clients say since before there were modes, and means forms.
    const takesForms = elicitation && (elicitation['form'] !== undefined || elicitation['url'] === undefined)
    return takesForms ? undefined : { elicitation: { form: {} } }
  }
  if (!sampling) return { sampling: {} }
  return params['tools'] !== undefined && sampling['tools'] === undefined ? { sampling: { tools: {} } } : undefined
}
