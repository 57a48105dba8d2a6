// The address an HTTP+SSE server names for messages is believed in every form servers write it, and nowhere but at home.
import { describe, expect, test } from 'vitest'
import { messageEndpoint } from '../../../../../src/mcp/object/http-sse/endpoint.ts'

const CONNECTION = 'https://tools.example.com/a/sse?tenant=1'

describe('an endpoint is taken when it is', () => {
  test.for<[string, string, string]>([
    ['a path', '/messages', 'https://tools.example.com/messages'],
    [
      'a path with a session in its query',
      '/messages/?sessionId=1&b=%20',
      'https://tools.example.com/messages/?sessionId=1&b=%20',
    ],
    ['relative to the stream', 'messages?s=1', 'https://tools.example.com/a/messages?s=1'],
    ['a query alone', '?s=1', 'https://tools.example.com/a/sse?s=1'],
    ['absolute, at home', 'https://tools.example.com/m?s=1', 'https://tools.example.com/m?s=1'],
    ['at home with the default port', 'https://TOOLS.example.com:443/m', 'https://tools.example.com/m'],
    ['followed by a fragment', '/m#here', 'https://tools.example.com/m'],
  ])('%s', ([, named, endpoint]) => {
    expect(messageEndpoint(named, CONNECTION)?.href).toBe(endpoint)
  })
})

describe('an endpoint is refused when it is', () => {
  test.for<[string, string]>([
    ['on another host', 'https://evil.example/messages'],
    ['on another host without a scheme', '//evil.example/messages'],
    ['on another host behind backslashes', '/\\evil.example/messages'],
    ['on a host that begins like ours', 'https://tools.example.com.evil.example/m'],
    ['on another port', 'https://tools.example.com:8443/m'],
    ['not encrypted', 'http://tools.example.com/m'],
    ['at home with a user name', 'https://someone@tools.example.com/m'],
    ['at home with a password', 'https://:secret@tools.example.com/m'],
    ['no web address', 'data:text/plain,messages'],
    ['no address at all', 'https://'],
    ['empty', ''],
  ])('%s', ([, named]) => {
    expect(messageEndpoint(named, CONNECTION)).toBeUndefined()
  })
})
