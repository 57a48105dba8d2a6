// MCP over the stdin and stdout of a client program that is running already.
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { ReadBuffer, serializeMessage } from '@modelcontextprotocol/sdk/shared/stdio.js'
import type { SpawnedClient } from './spawned-client.ts'

/** The SDK's own stdio transport would start the program itself, and keep its environment and its end to itself. */
export function stdioOf({ process }: SpawnedClient): Transport {
  const buffer = new ReadBuffer()
  // One message a turn: the SDK forgets a request at its answer, and would drop the progress that arrived in one piece with that.
  const next = (): void => {
    const message = buffer.readMessage()
    if (message === null) return
    transport.onmessage?.(message)
    setImmediate(next)
  }
  const transport: Transport = {
    async start() {
      process.stdout.on('data', (chunk: Buffer) => {
        buffer.append(chunk)
        next()
      })
    },
    async send(message) {
      process.stdin.write(serializeMessage(message))
    },
    async close() {
      process.stdin.end()
      transport.onclose?.()
    },
  }
  return transport
}
