import BlockRuntime
import Glibc

/// How many descriptors (files and sockets) this process may have open.
package enum DescriptorLimit {
    /// Sees to it that `count` descriptors may be open: raises the limit in force as far as the
    /// system allows the process.
    ///
    /// - Parameter purpose: What they are for, to go behind "for": "4 storage peers".
    /// - Throws: `.configurationInvalid` saying how many are needed and how many there are.
    package static func require(_ count: Int, for purpose: String) throws(DatabaseError) {
        var limit = rlimit()
        guard getrlimit(Int32(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            throw DatabaseError(
                .ioFailed,
                "cannot read the limit of open files: \(String(cString: strerror(errno)))")
        }
        let needed = rlim_t(clamping: count)
        if limit.rlim_cur < needed {
            limit.rlim_cur = min(needed, limit.rlim_max)
            setrlimit(Int32(RLIMIT_NOFILE.rawValue), &limit)
            getrlimit(Int32(RLIMIT_NOFILE.rawValue), &limit)
        }
        guard limit.rlim_cur >= needed else {
            throw DatabaseError(
                .configurationInvalid,
                "this process may have \(limit.rlim_cur) files open and needs \(count), for "
                    + "\(purpose); raise the limit (ulimit -n)")
        }
    }
}
