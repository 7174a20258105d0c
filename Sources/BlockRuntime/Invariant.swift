/// Stops the process if `condition` is false. On in every build, release included.
///
/// For what must hold if this program is correct. For what the world may do (a peer, a disk, a
/// caller's input) throw a ``DatabaseError`` instead.
@inlinable
package func invariant(
    _ condition: @autoclosure () -> Bool, _ message: @autoclosure () -> String,
    file: StaticString = #fileID, line: UInt = #line
) {
    guard condition() else { fatalError("invariant: " + message(), file: file, line: line) }
}
