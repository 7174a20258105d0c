import BlockModel
import BlockOperations
import BlockRuntime
import Logging
import Synchronization
import Testing

private struct Oddity: Error {}

@Suite struct ExitCodeTests {
    @Test("The numbers are those of sysexits")
    func numbers() {
        #expect(ExitCode.allCases.map(\.rawValue) == [0, 64, 65, 69, 70, 74, 75, 76, 77, 78])
    }

    @Test("Every error code has an exit code, and only defects exit as defects")
    func everyCode() {
        for row in ErrorCode.table {
            let exit = ExitCode(row.code)
            #expect(exit != .success)
            #expect((exit == .internalError) == (row.code == .internalError), "\(row.name)")
        }
        #expect(ExitCode(ErrorCode(rawValue: 999_999)) == .internalError)
        #expect(ExitCode(for: Oddity()) == .internalError)
    }

    @Test(
        "What an operator meets exits with the code that interfaces promise",
        arguments: [
            (ErrorCode.invalidArgument, Int32(64)), (.valueTooLarge, 65), (.formatUnsupported, 65),
            (.quorumUnavailable, 69), (.endpointUnreachable, 69), (.internalError, 70),
            (.ioFailed, 74), (.noSpace, 74), (.overloaded, 75), (.addressInUse, 75),
            (.directoryLocked, 75), (.wrongCluster, 76), (.versionUnsupported, 76),
            (.configurationInvalid, 78), (.directoryForeign, 78), (.accessDenied, 77),
            (.pathNotFound, 78), (.wrongService, 76),
        ])
    func promised(code: ErrorCode, exit: Int32) {
        #expect(ExitCode(for: DatabaseError(code, "m")).rawValue == exit)
    }

    @Test("The sentence names program, message, code, outcome and remedy")
    func sentence() {
        let error = DatabaseError(.commitResultUnknown, "no answer in 5 s", outcome: .unknown)
        #expect(
            ErrorReport.sentence(program: "optimystic", error)
                == "optimystic: no answer in 5 s [commitResultUnknown (1101), outcome unknown]\n"
                + "  \(ErrorCode.commitResultUnknown.explanation?.remedy ?? "")")
        #expect(ErrorReport.sentence(program: "p", Oddity()) == "p: Oddity()")
    }

    @Test("The last log line is critical and carries code, message, remedy and exit code")
    func lastLine() {
        let lines = Mutex<[String]>([])
        let logger = Logger(label: "peer") { label in
            LineLogHandler(
                label: label, format: .json, level: .info, wallMilliseconds: { 0 },
                output: { line in
                    lines.withLock { $0.append(String(decoding: line, as: UTF8.self)) }
                })
        }
        let error = DatabaseError(
            .addressInUse, "port 7710 is taken", cause: Oddity(), file: "F.swift", line: 7)
        #expect(ErrorReport.logLast(error, to: logger) == .tryAgain)
        #expect(ErrorReport.logLast(Oddity(), to: logger) == .internalError)
        let written = lines.withLock { $0 }
        #expect(
            written == [
                #"{"ts":"1970-01-01T00:00:00.000Z","level":"critical","label":"peer","#
                    + #""msg":"stopped by an error","error.cause":"Oddity()","#
                    + #""error.code":"addressInUse (4008)","error.location":"F.swift:7","#
                    + #""error.message":"port 7710 is taken","error.outcome":"notApplied","#
                    + #""error.remedy":"Choose another port, or stop the other process.","#
                    + #""exit.code":75}"# + "\n",
                #"{"ts":"1970-01-01T00:00:00.000Z","level":"critical","label":"peer","#
                    + #""msg":"stopped by an error","error":"Oddity()","exit.code":70}"# + "\n",
            ])
    }
}
