// MCP over the stdin and stdout of a client program that is running already.
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { ReadBuffer, serializeMessage } from '@modelcontextprotocol/sdk/shared/stdio.js'
import type { SpawnedClient } from './spawned-client.ts'

/** The SDK's own stdio transport would start the program itself, and keep its environment and its end to itself. */
export function stdioOf({ process }: SpawnedClient): Transport {
  const buffer = new ReadBuffer()
  const transport: Transport = {
    async start() {
      process.stdout.on('data', (chunk: Buffer) => {
        buffer.append(chunk)
        for (let message = buffer.readMessage(); message !== null; message = buffer.readMessage()) transport.onmessage?.(message)
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
