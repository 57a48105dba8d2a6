// The page of people as an administrator gets it, from the cookie to the markup: at 100,000 people it costs what it costs at 1,000.
import { createExecutionContext, env, runInDurableObject } from 'cloudflare:test'
import { expect, test } from 'vitest'
import { app } from '../../src/app.ts'
import { sealed } from '../../src/oauth/tokens/browser-state.ts'
import { services } from '../../src/services.ts'
import { countingRows } from './rows-read.ts'

const now = (): number => Math.floor(Date.now() / 1000)

test('the page of people reads at 100,000 no more rows than twice what it reads at 1,000', { timeout: 60_000 }, async () => {
  const [few, many] = [await seeded('page few', 1_000), await seeded('page many', 100_000)]
  // How many people there are is counted once in a while, over an index.
  await few('')
  await many('')
  for (const query of ['', '?search=person0005', `?after=${now() - 100}.sub-000300`]) {
    const [small, large] = [await few(query), await many(query)]
    expect(small).toBeGreaterThan(0)
    // A scan of the table would read a hundred thousand.
    expect(large).toBeLessThanOrEqual(2 * small)
  }
})

/** A deployment of its own with so many people; opens the page, and says how many rows were read for it. */
async function seeded(name: string, count: number): Promise<(query: string) => Promise<number>> {
  const directory = env.DIRECTORY.getByName(name)
  await directory.people('', undefined)
  await runInDurableObject(directory, (_, { storage: { sql } }) => {
    sql.exec(
      `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ? - 1)
       INSERT INTO people SELECT printf('sub-%06d', i), 'https://idp.example', printf('subject %d', i), printf('person%06d@example.com', i),
         printf('Person %06d', i), '', 0, i % 2, ?2 - i, ?2 - i / 3, 1 FROM n`,
      count,
      now(),
    )
  })
  const base = await services(env)
  const named = { emails: [{ name: 'carol@example.com', issuers: ['https://idp.example'] }], groups: [] }
  const settings = { ...base.settings, administrators: { ...base.settings.administrators, named } }
  const floor = app({ ...base, settings, directory: () => directory })
  const identity = { issuer: 'https://idp.example', subject: 'carol', email: 'carol@example.com', groups: [] }
  const sub = 'c'.repeat(43)
  await base.session(sub).visit(identity, { id: name, until: now() + 3_600 })
  const visitor = { sub, csrf: 'a token', session: name, signedInAt: now() }
  const cookie = `mcp_pages=${await sealed(base.keys, 'pages+jwe', visitor, now(), 3_600)}`
  const rows = await countingRows(directory)
  return async (query) => {
    rows()
    const page = await floor.request(
      `${settings.baseUrl}/admin/people${query}`,
      { headers: { cookie } },
      env,
      createExecutionContext(),
    )
    const html = await page.text()
    expect([page.status, html.match(/data-person=/g)?.length]).toEqual([200, 50])
    return rows()
  }
}
