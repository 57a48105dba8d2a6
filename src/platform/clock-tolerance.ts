// By how many seconds the clocks of two computers may differ: what somebody else has signed is believed that much early and that much late.
export const CLOCK_TOLERANCE = 60
