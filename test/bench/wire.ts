// HTTP/1.1 messages cut out of the bytes of a keep-alive connection: a benchmark must not measure its own HTTP library.

export interface WireMessage {
  /** First line and headers, lower case. */
  readonly head: string
  readonly body: string
}

/** Feed it what arrives; it hands over each message as soon as the last byte of it is here. */
export function wireReader(handle: (message: WireMessage) => void): (chunk: Buffer) => void {
  let kept = ''
  return (chunk) => {
    kept += chunk.toString('latin1')
    for (;;) {
      const headEnd = kept.indexOf('\r\n\r\n')
      if (headEnd === -1) return
      const head = kept.slice(0, headEnd).toLowerCase()
      const found = bodyAt(kept, headEnd + 4, head)
      if (!found) return
      kept = kept.slice(found.end)
      handle({ head, body: found.body })
    }
  }
}

function bodyAt(text: string, start: number, head: string): { body: string; end: number } | undefined {
  if (!head.includes('\r\ntransfer-encoding: chunked')) {
    const at = head.indexOf('\r\ncontent-length:')
    const end = start + (at === -1 ? 0 : Number.parseInt(head.slice(at + 17), 10))
    return text.length < end ? undefined : { body: text.slice(start, end), end }
  }
  let body = ''
  for (let at = start; ;) {
    const lineEnd = text.indexOf('\r\n', at)
    if (lineEnd === -1) return undefined
    const size = Number.parseInt(text.slice(at, lineEnd), 16)
    const next = lineEnd + 2 + size + 2
    if (text.length < next) return undefined
    if (size === 0) return { body, end: next }
    body += text.slice(lineEnd + 2, next - 2)
    at = next
  }
}
