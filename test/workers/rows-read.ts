// Counts the rows an object's SQL reads: what a query costs on any machine, where the time it takes says as much about the machine.
import { runInDurableObject } from 'cloudflare:test'

/** Counts from here on; answers how many rows were read since the last time it was asked. */
export async function countingRows<O extends Rpc.DurableObjectBranded>(stub: DurableObjectStub<O>): Promise<() => number> {
  const cursors: { readonly rowsRead: number }[] = []
  await runInDurableObject(stub, (_, { storage: { sql } }) => {
    const exec = sql.exec.bind(sql)
    Object.defineProperty(sql, 'exec', {
      value: (...asked: Parameters<typeof exec>) => {
        const cursor = exec(...asked)
        cursors.push(cursor)
        return cursor
      },
    })
  })
  return () => cursors.splice(0).reduce((sum, { rowsRead }) => sum + rowsRead, 0)
}
