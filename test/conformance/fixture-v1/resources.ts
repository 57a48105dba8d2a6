// Resources of the server of the SDK 1.x: text, bytes, a template, and one to subscribe to.
import { McpError, type ReadResourceResult } from '@modelcontextprotocol/sdk/types.js'
import { PNG } from '../fixture/content-tools.ts'

/** MCP 2025-11-25, "Error Handling" of resources. */
const NOT_FOUND = -32_002

export const RESOURCES = [
  { name: 'static-text', uri: 'test://static-text', mimeType: 'text/plain' },
  { name: 'static-binary', uri: 'test://static-binary', mimeType: 'image/png' },
  { name: 'watched-resource', uri: 'test://watched-resource', mimeType: 'text/plain' },
] as const

export const TEMPLATES = [{ name: 'template', uriTemplate: 'test://template/{id}/data', mimeType: 'application/json' }] as const

export function read(uri: string): ReadResourceResult {
  const [, id] = /^test:\/\/template\/([^/]+)\/data$/.exec(uri) ?? []
  if (uri === 'test://static-binary') return { contents: [{ uri, mimeType: 'image/png', blob: PNG }] }
  if (uri === 'test://static-text')
    return { contents: [{ uri, mimeType: 'text/plain', text: 'This is the content of the static text resource.' }] }
  if (uri === 'test://watched-resource') return { contents: [{ uri, mimeType: 'text/plain', text: 'Nothing new' }] }
  if (id === undefined) throw new McpError(NOT_FOUND, 'Resource not found', { uri })
  const text = JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` })
  return { contents: [{ uri, mimeType: 'application/json', text }] }
}
