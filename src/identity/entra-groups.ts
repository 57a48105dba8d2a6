// The groups of a person who is in too many for a token (the overage claim of Microsoft Entra), asked of Microsoft Graph.
import * as z from 'zod'
import { askIdentityProvider, assertProviderAtWork, answeredJson } from './ask.ts'
import { isLoopback } from '../platform/loopback.ts'
import type { Metadata } from './discovery.ts'
import { IdentityError } from './provider.ts'

const pageSchema = z.object({
  value: z.array(z.object({ id: z.string() })),
  '@odata.nextLink': z.url().optional(),
})

/** Pages of 999: what is more than that fits into no header a server would read. */
const MOST_PAGES = 5

/**
 * Every group, by id, also through other groups, as a token would have it. Rejects rather than leave one out: the address Microsoft puts
 * into the token itself is of a service that is gone.
 */
export async function groupsInGraph(
  { issuer, msgraph_host: host = 'graph.microsoft.com' }: Metadata,
  accessToken: string,
): Promise<readonly string[]> {
  const scheme = isLoopback(new URL(issuer)) ? 'http' : 'https'
  const graph = `${scheme}://${host}`
  const groups: string[] = []
  let next: string | undefined = `${graph}/v1.0/me/transitiveMemberOf/microsoft.graph.group?$select=id&$top=999`
  for (let page = 0; next !== undefined; page += 1) {
    if (page === MOST_PAGES) throw new IdentityError('invalid', `the person is in more than ${groups.length} groups`)
    const response = await askIdentityProvider(next, {
      method: 'GET',
      headers: { accept: 'application/json', authorization: `Bearer ${accessToken}` },
    })
    await assertProviderAtWork(response, 'Microsoft Graph')
    if (!response.ok)
      throw new IdentityError(
        'invalid',
        `the token leaves the groups out, and Microsoft Graph does not list them (${response.status}): is User.Read granted?`,
      )
    const found = pageSchema.safeParse(await answeredJson(response, 'Microsoft Graph'))
    if (!found.success) throw new IdentityError('invalid', 'Microsoft Graph answered something that is no list of groups')
    for (const { id } of found.data.value) groups.push(id)
    next = found.data['@odata.nextLink']
    // The person's token goes with every page, so all of them are of the same place.
    if (next !== undefined && new URL(next).origin !== graph)
      throw new IdentityError('invalid', 'Microsoft Graph points somewhere else')
  }
  return groups
}
