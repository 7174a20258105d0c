/// Times of tests that are about something else than time.
enum TestTime {
    /// For a request that must succeed: a loaded machine may take its time.
    static let generous = Duration.seconds(60)
    /// For a transaction that others are in the way of.
    static let long = Duration.seconds(300)
    /// For one that must fail when its time is up, after it was sent: a loaded machine sends it
    /// within.
    static let untilSent = Duration.milliseconds(1500)
}
