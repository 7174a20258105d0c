/// Which release this is.
package enum Release {
    /// The version of every executable and of the SDK, as `major.minor.patch`.
    package static let version = "0.1.0"
}
