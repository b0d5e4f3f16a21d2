package pan.demo.benchmark

import pan.demo.BenchmarkRow
import pan.demo.BenchmarkState
import pan.demo.Choice
import pan.demo.Notice
import pan.demo.R
import pan.demo.StateStore
import pan.demo.model.BundleStore
import pan.demo.model.Engines
import pan.demo.model.ModelHost
import pan.demo.model.ModelThread
import pan.demo.model.explained
import java.time.Instant

/** Measures the models of the chosen bundle. Called from the main thread. */
class BenchmarkController(
    private val bundles: BundleStore,
    private val engines: Engines,
    private val phone: Phone,
    private val versions: Map<String, String>,
    private val host: ModelHost,
    private val thread: ModelThread,
    private val state: StateStore,
    private val seconds: Float = Benchmark.SECONDS,
) {
    @Volatile
    private var current: Any? = null

    /** Whether a benchmark is running. */
    val isRunning: Boolean get() = current != null

    fun setSustained(wanted: Boolean) = show { it.copy(sustained = wanted) }

    /** Starts the benchmark; the model in use is released until it ends. */
    fun run(choice: Choice) {
        val id = choice.bundle ?: return
        val job = Any()
        current = job
        val sustained = state.state.benchmark.sustained
        host.release()
        show { BenchmarkState(running = true, sustained = sustained) }
        thread.run { measure(job, id, choice, sustained) }
    }

    /** Ends the benchmark; what was measured so far is shown. */
    fun cancel() {
        if (current != null) current = CANCELLED
    }

    private fun measure(
        job: Any,
        id: String,
        choice: Choice,
        sustained: Boolean,
    ) {
        val result: (BenchmarkState) -> BenchmarkState =
            explained<(BenchmarkState) -> BenchmarkState>({ reason -> { it.copy(error = reason) } }) {
                val before = phone.batteryCelsius()
                val started = Instant.now()
                val bundle = bundles.open(id)
                val benchmark = Benchmark(engines, seconds, if (sustained) SUSTAINED_SECONDS else 0)
                val measured =
                    benchmark.run(
                        bundle,
                        bundle.models,
                        threadCounts(phone.cores),
                        choice.acceleration,
                        bundle.models.find {
                            it.file ==
                                choice.file
                        },
                    ) { share, file, threads ->
                        thread.tell {
                            if (current ===
                                job
                            ) {
                                show {
                                    it.copy(
                                        progress = share,
                                        step = Notice(R.string.benchmark_step_now, file, threads),
                                    )
                                }
                            }
                        }
                        current === job
                    }
                val after = phone.batteryCelsius()
                val report = BenchmarkReport(phone, bundle, versions, before, after, started).json(measured)
                val rows = measured.map(::row);
                { it.copy(rows = rows, conditions = conditions(before, after), report = report.toString(INDENT)) }
            }
        thread.tell {
            if (current === job || current === CANCELLED) {
                current = null
                show { result(it).copy(running = false, progress = 0f, step = null) }
                host.load(state.state.choice)
            }
        }
    }

    private fun row(measured: Measurement): BenchmarkRow {
        val times = measured.times?.call
        val sustained = measured.sustained
        val detail =
            when {
                measured.error != null -> Notice(R.string.given, measured.error)
                sustained != null -> sustainedNotice(sustained)
                measured.xnnpack == true -> Notice(R.string.xnnpack_on)
                measured.xnnpack == false -> Notice(R.string.xnnpack_off)
                else -> null
            }
        return BenchmarkRow(
            measured.model.file,
            measured.threads,
            times?.p50?.toFloat(),
            times?.p90?.toFloat(),
            detail,
        )
    }

    private fun sustainedNotice(found: Measurement.Sustained) =
        Notice(R.string.sustained_result, found.seconds, found.first, found.last)

    private fun conditions(
        before: Float?,
        after: Float?,
    ): Notice =
        if (before == null ||
            after == null
        ) {
            Notice(R.string.battery_unknown, phone.name)
        } else {
            Notice(R.string.battery, phone.name, before, after)
        }

    private fun show(change: (BenchmarkState) -> BenchmarkState) =
        state.update {
            it.copy(benchmark = change(it.benchmark))
        }

    companion object {
        /** Duration of the long run. */
        const val SUSTAINED_SECONDS = 60

        private const val INDENT = 1
        private val CANCELLED = Any()

        /** One thread, two, and four, as far as there are cores. */
        fun threadCounts(cores: Int): List<Int> = listOf(1, 2, 4).filter { it == 1 || it <= cores }
    }
}
