// How refused token requests are worded: which code and status, and whether the client is told when to come back.
import { expect, test } from 'vitest'
import { tokenRefusal } from '../../../../src/oauth/grants/grant.ts'

test.for<[string, Parameters<typeof tokenRefusal>, object]>([
  ['refreshed too often', ['too_often', 40], { code: 'too_many_requests', status: 429, retryAfter: 40 }],
  ['the provider is away', ['idp_unavailable'], { code: 'temporarily_unavailable', status: 503, retryAfter: 30 }],
  ['a grant that has ended', ['grant_ended'], { code: 'invalid_grant', status: 400, retryAfter: undefined }],
])('%s', ([, refusal, told]) => {
  expect(tokenRefusal(...refusal)).toMatchObject(told)
})
