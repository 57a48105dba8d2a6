// Hosts that publish documents of clients, as far as the tests script them: PUT says what an address answers, GET is answered so, and counted.

export const DOCUMENTS = 'https://documents.dev'

interface Scripted {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

interface Asked {
  readonly url: string
  readonly method: string
  text(): Promise<string>
}

const scripts = new Map<string, Scripted>()
const counts = new Map<string, number>()

export async function documents(request: Asked): Promise<Response> {
  const { pathname } = new URL(request.url)
  if (request.method === 'PUT') {
    scripts.set(pathname, JSON.parse(await request.text()))
    return new Response(null, { status: 204 })
  }
  const counted = /^\/-\/asked(\/.*)$/.exec(pathname)?.[1]
  if (counted !== undefined) return Response.json(counts.get(counted) ?? 0)
  counts.set(pathname, (counts.get(pathname) ?? 0) + 1)
  const { status = 200, headers = {}, body } = scripts.get(pathname) ?? { status: 404 }
  return new Response(body === undefined ? null : JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/json', ...headers },
  })
}
