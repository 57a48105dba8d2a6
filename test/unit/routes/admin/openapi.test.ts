// The document of the admin API describes the routes that are there, and no others.
import { expect, test } from 'vitest'
import { adminApiRoutes } from '../../../../src/routes/admin/api.ts'
import { openApi } from '../../../../scripts/reference/openapi.ts'
import { exampleDeployment } from '../example-deployment.ts'

async function mounted(): Promise<readonly string[]> {
  const { routes } = adminApiRoutes(await exampleDeployment())
  return routes
    .filter(({ method }) => method !== 'ALL')
    .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`)
}

test('every route of the admin API is described, and nothing else is', async () => {
  const { paths }: { paths?: Record<string, object> } = openApi()
  const described = Object.entries(paths ?? {}).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
  )
  const routes = await mounted()
  expect(routes.length).toBeGreaterThan(10)
  expect(described.sort()).toEqual([...routes].sort())
})

test('every schema that is referred to is there', () => {
  const document = JSON.stringify(openApi())
  const { components }: { components?: { schemas: object } } = openApi()
  const named = [...document.matchAll(/#\/components\/schemas\/(\w+)/g)].map(([, name = '']) => name)
  expect([...new Set(named)].filter((name) => !Object.hasOwn(components?.schemas ?? {}, name))).toEqual([])
})

test('a body is described as it is read', () => {
  const document = openApi()
  expect(document).toMatchObject({
    openapi: '3.1.0',
    paths: {
      '/people/{sub}/block': {
        post: {
          parameters: [{ name: 'sub', in: 'path', required: true }],
          requestBody: {
            content: { 'application/json': { schema: { type: 'object', required: ['reason'], additionalProperties: false } } },
          },
        },
      },
      '/events': { get: { parameters: expect.arrayContaining([{ name: 'format', in: 'query', schema: expect.anything() }]) } },
    },
  })
})
