import BlockRuntime

/// When rounds try again. Time only ever starts something here; no rule of safety reads it.
package struct ProtocolTiming: Sendable {
    /// Without a quorum for this long, a proposer takes a new ballot and a writer sends again.
    package var phase = Duration.milliseconds(250)
    /// After losing to another proposer.
    package var retry = RetryTiming.rivals
    /// Without an answer for this long, a fetch asks the next replica as well.
    package var hedge = Duration.milliseconds(60)
    /// When a quorum that was asked for a register's value is silent for this long, the other
    /// members are asked as well: many times what an answer takes, also of one that syncs.
    package var spare = Duration.milliseconds(15)
    /// How long a broadcast of all peers waits for the last of them.
    package var broadcast = Duration.milliseconds(1000)

    package init() {}
}
