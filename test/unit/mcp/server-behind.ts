// A raw MCP server behind the broker of one test file: it begins each test anew, and is closed with the file.
import { afterAll, beforeEach } from 'vitest'
import { startRawDownstream, type RawDownstream, type RawHandler } from '../../world/raw-downstream.ts'

export const sayOk: RawHandler = (_req, _body, res) => void res.writeHead(200, { 'content-type': 'application/json' }).end('{}')

/** To be called at the top of a file; `answers` is what it says where a test says nothing else. */
export async function serverBehind(answers: RawHandler = sayOk): Promise<RawDownstream> {
  const downstream = await startRawDownstream(answers)
  beforeEach(() => {
    downstream.requests.forget()
    downstream.handleWith(answers)
  })
  afterAll(async () => await downstream.close())
  return downstream
}
