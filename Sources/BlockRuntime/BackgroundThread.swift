import Glibc

/// Starts a thread that is never joined: for an event loop, or for a call that may block. Machines
/// and tasks have none of their own.
package enum BackgroundThread {
    private final class Body {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// - Returns: Why the thread could not be started; nil when it was.
    package static func start(_ body: @escaping @Sendable () -> Void) -> DatabaseError? {
        let argument = Unmanaged.passRetained(Body(body))
        var thread = pthread_t()
        let status = pthread_create(
            &thread, nil,
            { raw in
                guard let raw else { return nil }
                Unmanaged<Body>.fromOpaque(raw).takeRetainedValue().run()
                return nil
            }, argument.toOpaque())
        guard status == 0 else {
            argument.release()
            return DatabaseError(
                .ioFailed, "cannot start a thread (\(status)); raise the limit (ulimit -u)")
        }
        pthread_detach(thread)
        return nil
    }
}
