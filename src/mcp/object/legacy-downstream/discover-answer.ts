// The answer to `server/discover` in the place of a server that was asked for it in `initialize`.
import { isRecord, TASKS } from '../../bridge/client-capabilities.ts'
import { editJson } from '../../bridge/json-edit.ts'
import { META, MODERN_VERSION } from '../../message/revision.ts'
import type { ServerFacts } from './server-facts.ts'

/** `id` as the client spelled it, in JSON. Nobody knows how long what a server says of itself stays right. */
export function discovered(id: string, { capabilities, serverInfo, instructions }: ServerFacts): string {
  // The tasks of 2025-11-25 are another thing than those of the extension, and neither is translated.
  const { tasks: _tasks, extensions, ...offered } = capabilities
  const { [TASKS]: _extension, ...others } = isRecord(extensions) ? extensions : {}
  const result = {
    resultType: 'complete',
    supportedVersions: [MODERN_VERSION],
    capabilities: { ...offered, ...(Object.keys(others).length > 0 && { extensions: others }) },
    ttlMs: 0,
    cacheScope: 'private',
  }
  const text = `{"jsonrpc":"2.0","id":${id},"result":${JSON.stringify(result)}}`
  return editJson(text, [
    ...(instructions === undefined ? [] : [{ at: ['result', 'instructions'], to: instructions }]),
    ...(serverInfo === undefined ? [] : [{ at: ['result', '_meta', META.serverInfo], to: serverInfo }]),
  ])
}
