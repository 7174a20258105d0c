/// What a proxy holds, in numbers.
package struct ProxyMemory: Equatable, Sendable {
    /// Collections of which it is known when they were used last.
    package let collectionCount: Int
    /// Alarms, also those whose work is over.
    package let alarmCount: Int
    package let writerCount: Int
    package let historyCount: Int
    package let tailCount: Int
    /// Bytes of objects and blocks that tasks hold.
    package let taskBytes: Int
    /// Bytes of what is known of collections, about.
    package let historyBytes: Int
    package let writerBytes: Int
    package let suspicionCount: Int
}
