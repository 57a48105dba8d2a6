// The bytes of a request body, never more of them than allowed, and only of a kind that everybody reads the same way.
import { joined } from '../platform/bytes.ts'
import { McpRefusal } from './refusal.ts'

/** One media type, parameters allowed; a list of two is neither of them. */
const JSON_TYPE = /^application\/json\s*(?:;[^,]*)?$/i
const CHARSET = /;\s*charset\s*=\s*"?([^";\s]*)/i

export async function readBody(request: Request, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const { headers } = request
  checkMediaType(headers.get('content-type') ?? '', headers.get('content-encoding') ?? 'identity')
  const announced = headers.get('content-length')
  if (announced !== null && Number(announced) > maxBytes) throw tooLarge(maxBytes)
  // The HTTP layer ends a body at its Content-Length, so one that was announced and is small enough needs no counting.
  const body = announced === null ? await counted(request, maxBytes) : new Uint8Array(await request.arrayBuffer())
  if (body.length > maxBytes) throw tooLarge(maxBytes)
  return body
}

function checkMediaType(type: string, encoding: string): void {
  if (type.includes(',')) throw new McpRefusal('malformed_header', 'the request names more than one Content-Type')
  const charset = CHARSET.exec(type)?.[1]?.toLowerCase() ?? 'utf-8'
  if (!JSON_TYPE.test(type) || (charset !== 'utf-8' && charset !== 'utf8')) {
    throw new McpRefusal('unsupported_media_type', 'the Content-Type of an MCP message is application/json, in UTF-8')
  }
  if (encoding.toLowerCase() !== 'identity') {
    throw new McpRefusal('unsupported_media_type', 'the body of an MCP message is sent without a Content-Encoding')
  }
}

async function counted(request: Request, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  if (request.body === null) return new Uint8Array()
  const chunks: Uint8Array<ArrayBuffer>[] = []
  let length = 0
  const reader = request.body.getReader()
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    length += next.value.length
    if (length > maxBytes) {
      await reader.cancel()
      throw tooLarge(maxBytes)
    }
    chunks.push(next.value)
  }
  return joined(chunks)
}

function tooLarge(maxBytes: number): McpRefusal {
  return new McpRefusal('body_too_large', `the body of a request may have ${maxBytes} bytes`)
}
