/// Which release this is.
public enum Release {
    /// The version of every executable and of the SDK, as `major.minor.patch`.
    public static let version = "0.1.0"
}
