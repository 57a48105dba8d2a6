// A text made short for where there is little room: deflate (RFC 1951) in base64url. For texts that repeat themselves, and hold no secret.
import { base64url } from 'jose'
import { joined } from './bytes.ts'

export async function packed(text: string): Promise<string> {
  return base64url.encode(await through(new TextEncoder().encode(text), new CompressionStream('deflate-raw')))
}

/** Only for what was packed by ourselves: a few bytes of a stranger's may become very many. */
export async function unpacked(text: string): Promise<string> {
  return new TextDecoder().decode(await through(base64url.decode(text), new DecompressionStream('deflate-raw')))
}

async function through(bytes: Uint8Array, stream: CompressionStream | DecompressionStream): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const part of new Blob([new Uint8Array(bytes)]).stream().pipeThrough(stream)) parts.push(part)
  return joined(parts)
}
