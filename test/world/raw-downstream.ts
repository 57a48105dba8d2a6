// A downstream a test scripts itself, byte by byte: no MCP inside, everything that reaches it is recorded.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { close, listen } from './listening.ts'
import { Recording } from './recording.ts'

export type RawHandler = (req: IncomingMessage, body: Buffer, res: ServerResponse) => void | Promise<void>

export interface RawDownstream {
  readonly url: string
  readonly port: number
  readonly requests: Recording
  /** From the next request on. */
  handleWith(handler: RawHandler): void
  close(): Promise<void>
}

export async function startRawDownstream(handler: RawHandler, { port = 0 } = {}): Promise<RawDownstream> {
  const requests = new Recording()
  let handle = handler
  const server = createServer((req, res) => {
    requests
      .add(req, res)
      .then(async ({ body }) => await handle(req, body, res))
      .catch((error: unknown) => {
        // The caller hung up, or the script is wrong: a broken connection tells both apart from any answer.
        if (!req.destroyed) console.error('the scripted downstream failed:', error)
        res.destroy()
      })
  })
  // Long streams are the point here; Node would cut a request after five minutes.
  server.requestTimeout = 0
  // Later than workerd, which closes after five seconds, and Node's own time: a connection that is closed just as a request is sent on it fails that.
  server.keepAliveTimeout = 8_000
  const bound = await listen(server, port)
  return {
    url: `http://127.0.0.1:${bound}/mcp`,
    port: bound,
    requests,
    handleWith: (next) => {
      handle = next
    },
    close: async () => await close(server),
  }
}
