package pan.engines

import pan.core.LiveRecogniser
import pan.core.VideoClip
import pan.core.answer.Confidence
import pan.core.bundle.Bundle
import pan.core.bundle.ModelFile
import pan.core.frames.Orientation
import java.lang.management.ManagementFactory
import kotlin.math.abs
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertNotEquals
import kotlin.test.assertTrue

/** From decoded planes to an answer, as the Python package has it. */
class VideosTest {
    private fun Bundle.model(streaming: Boolean): ModelFile = models.first { it.format == "tflite" && it.precision == "float32" && it.streaming == streaming }

    @Test
    fun `whole videos have the answers of pan-keras predict`() {
        assertTrue(Inputs.videos.size >= 20)
        for ((bundle, model) in Inputs.models) {
            if (model.streaming || model.precision != "float32") continue
            val wanted = Inputs.predicted(bundle, model)
            assertEquals(Inputs.videos.size, wanted.size)
            assertTrue(wanted.map(::largest).toSet().size >= 4, "the answers are nearly all the same")
            Runtimes.running(bundle, model).use { running ->
                var furthest = 0f
                for ((video, logits) in Inputs.videos.zip(wanted)) {
                    val found = video.clip(bundle).recognise(running)
                    furthest = maxOf(furthest, difference(found, logits))
                    assertEquals(largest(logits), largest(found))
                }
                println("${bundle.title}/${model.file}: ${wanted.size} videos, off by $furthest")
                assertTrue(furthest <= 1e-4f, "${bundle.title}/${model.file}: off by $furthest")
            }
        }
    }

    @Test
    fun `probabilities and unknown answers are those of pan-keras predict`() {
        val confidences = Inputs.bundles.mapValues { it.value.confidence }
        assertEquals(Confidence(), confidences["clip"])
        assertNotEquals(1.0, confidences.getValue("live").temperature)
        for ((bundle, model) in Inputs.models) {
            if (model.streaming || model.precision != "float32") continue
            val wanted = Inputs.answered(bundle, model)
            assertEquals(Inputs.videos.size, wanted.size)
            val kinds = if (bundle.title == "live") setOf(true, false) else setOf(false)
            assertEquals(kinds, wanted.map { it.first }.toSet(), "${bundle.title}/${model.file}")
            val found = DoubleArray(bundle.labels.size)
            Runtimes.running(bundle, model).use { running ->
                for ((video, answer) in Inputs.videos.zip(wanted)) {
                    bundle.confidence.probabilities(video.clip(bundle).recognise(running), found)
                    assertEquals(answer.first, bundle.confidence.isUnknown(found), "${bundle.title}/${model.file}")
                    val furthest = found.indices.maxOf { abs(found[it] - answer.second[it]) }
                    assertTrue(furthest <= 1e-4, "${bundle.title}/${model.file}: off by $furthest")
                }
            }
        }
    }

    @Test
    fun `videos are turned and mirrored as their files say`() {
        val orientations = Inputs.videos.map { it.orientationOfFile() to it.orientation }
        for ((found, wanted) in orientations) assertEquals(wanted, found ?: Orientation())
        val kinds = orientations.mapNotNull { it.first }.toSet()
        assertTrue(kinds.containsAll(listOf(Orientation(90), Orientation(270), Orientation(0, true), Orientation(270, true)).toSet()), "$kinds")
    }

    @Test
    fun `a streaming model answers for a whole video as the clip model does`() {
        val bundle = Inputs.bundles.getValue("live")
        Runtimes.running(bundle, bundle.model(streaming = true)).use { running ->
            for ((video, logits) in Inputs.videos.zip(Inputs.predicted(bundle, bundle.model(streaming = false)))) {
                val difference = difference(video.clip(bundle).recognise(running), logits)
                assertTrue(difference <= 1e-3f, "off by $difference")
            }
        }
    }

    @Test
    fun `a camera has the answers of the Python package at the same frames`() {
        for (bundle in Inputs.bundles.values) {
            val wanted = Inputs.watched(bundle)
            assertTrue(wanted.size >= 10)
            Runtimes.running(bundle, bundle.model(streaming = bundle.title == "live")).use { running ->
                val live = LiveRecogniser(bundle, running)
                repeat(2) {
                    val found = ArrayList<Pair<Int, FloatArray>>()
                    show { number, time, picture -> if (live.watch(picture, time)) found += number to running.logits.copyOf() }
                    assertEquals(wanted.map { it.first }, found.map { it.first })
                    for ((expected, answer) in wanted.zip(found)) {
                        assertTrue(difference(expected.second, answer.second) <= 1e-4f, "${bundle.title} at ${answer.first}")
                    }
                    live.reset()
                }
            }
        }
    }

    private fun show(watch: (Int, Double, pan.core.frames.YuvPicture) -> Unit) {
        var number = 0
        for (video in Inputs.videos) {
            for (frame in 0 until video.frames) {
                watch(number, 3 + number / Inputs.CAMERA_RATE, video.frame(frame))
                number++
            }
        }
    }

    @Test
    fun `a camera's pictures cost no memory`() {
        val threads = ManagementFactory.getThreadMXBean() as com.sun.management.ThreadMXBean
        val id = Thread.currentThread().id
        val picture = Inputs.videos[0].frame(0)
        for (bundle in Inputs.bundles.values) {
            val model = bundle.model(streaming = bundle.title == "live")
            StillEngine(model).let { engine ->
                val live = LiveRecogniser(bundle, pan.core.engine.RunningModel(engine), smoothedSteps = 4)
                var number = 0

                fun watch(count: Int): Int {
                    val before = live.answers
                    repeat(count) { live.watch(picture, number++ / Inputs.CAMERA_RATE) }
                    return live.answers - before
                }
                watch(5000)
                val before = threads.getThreadAllocatedBytes(id)
                val answers = watch(2000)
                val allocated = threads.getThreadAllocatedBytes(id) - before
                assertTrue(answers > 100)
                assertTrue(allocated < answers, "${bundle.title}: $allocated bytes for $answers answers")
            }
        }
    }

    @Test
    fun `a clip takes the frames that it wants and no others`() {
        val bundle = Inputs.bundles.values.first()
        val clip = VideoClip(bundle.input, 1)
        assertTrue(clip.wants(0))
        assertFalse(clip.wants(1))
        assertFailsWith<IllegalArgumentException> { clip.put(1, Inputs.videos[0].frame(1)) }
        clip.put(0, Inputs.videos[0].frame(0))
        assertTrue(clip.isComplete)
    }
}
