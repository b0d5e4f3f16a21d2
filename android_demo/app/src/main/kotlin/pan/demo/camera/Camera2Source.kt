package pan.demo.camera

import android.content.Context
import android.graphics.ImageFormat
import android.hardware.camera2.CameraAccessException
import android.hardware.camera2.CameraCaptureSession
import android.hardware.camera2.CameraCharacteristics
import android.hardware.camera2.CameraDevice
import android.hardware.camera2.CameraManager
import android.hardware.camera2.CaptureRequest
import android.media.ImageReader
import android.os.Handler
import android.os.HandlerThread
import android.util.Size
import android.view.Surface
import pan.core.frames.YuvPicture
import pan.demo.Facing
import pan.demo.Notice
import pan.demo.R

/**
 * The phone's camera by Camera2.
 *
 * The reader keeps the newest picture alone: what comes while one is worked on is dropped by
 * `acquireLatestImage`, so that nothing queues up.
 */
class Camera2Source(
    context: Context,
) : FrameSource {
    private val manager = context.getSystemService(CameraManager::class.java)
    private var session: Session? = null

    override fun has(facing: Facing): Boolean = id(facing) != null

    override fun open(
        facing: Facing,
        preview: (width: Int, height: Int) -> Surface?,
        displayDegrees: Int,
        shorterSide: Int,
        listener: FrameSource.Listener,
    ) {
        close()
        val id = id(facing)
        if (id == null) {
            listener.onFailed(Notice(R.string.no_camera))
            return
        }
        session = Session(id, displayDegrees, shorterSide, preview, listener).apply { start() }
    }

    override fun close() {
        session?.stop()
        session = null
    }

    private fun id(facing: Facing): String? {
        val wanted =
            when (facing) {
                Facing.BACK -> CameraCharacteristics.LENS_FACING_BACK
                Facing.FRONT -> CameraCharacteristics.LENS_FACING_FRONT
            }
        return try {
            manager?.cameraIdList?.find {
                manager.getCameraCharacteristics(it).get(CameraCharacteristics.LENS_FACING) ==
                    wanted
            }
        } catch (_: CameraAccessException) {
            null
        }
    }

    /** One opened camera with its thread; it is never opened again. */
    private inner class Session(
        private val id: String,
        private val displayDegrees: Int,
        private val shorterSide: Int,
        private val preview: (Int, Int) -> Surface?,
        private val listener: FrameSource.Listener,
    ) : CameraDevice.StateCallback() {
        private val thread = HandlerThread("camera").apply { start() }
        private val handler = Handler(thread.looper)
        private var device: CameraDevice? = null
        private var reader: ImageReader? = null
        private var stopped = false
        private val picture = YuvPicture(fullRange = true) // Cameras give JPEG's range.
        private var rotation = 0

        fun start() {
            try {
                manager?.openCamera(id, this, handler)
            } catch (error: CameraAccessException) {
                fail(error)
            } catch (error: SecurityException) {
                fail(error)
            } catch (error: IllegalArgumentException) {
                fail(error)
            }
        }

        /** Waits for a picture that is being worked on, so that the caller may release what it uses. */
        fun stop() {
            handler.post {
                stopped = true
                device?.close()
                reader?.close()
                device = null
                reader = null
                thread.quitSafely()
            }
            thread.join(LONGEST_STOP_MS)
        }

        override fun onOpened(camera: CameraDevice) {
            if (stopped) {
                camera.close()
                return
            }
            device = camera
            try {
                configure(camera)
            } catch (error: CameraAccessException) {
                fail(error)
            } catch (error: IllegalStateException) {
                fail(error)
            } catch (error: IllegalArgumentException) {
                fail(error)
            }
        }

        override fun onDisconnected(camera: CameraDevice) {
            camera.close()
            if (!stopped) listener.onFailed(Notice(R.string.camera_taken))
        }

        override fun onError(
            camera: CameraDevice,
            error: Int,
        ) {
            camera.close()
            if (!stopped) listener.onFailed(Notice(R.string.camera_failed, error.toString()))
        }

        private fun fail(error: Exception) =
            listener.onFailed(
                Notice(
                    R.string.camera_failed,
                    error.message ?: error.javaClass.simpleName,
                ),
            )

        @Suppress("DEPRECATION") // Its successor needs level 28.
        private fun configure(camera: CameraDevice) {
            val facts = manager.getCameraCharacteristics(id)
            val size = smallestEnough(facts)
            rotation = rotation(facts)
            val turned = rotation % HALF_TURN != 0
            listener.onOpened(if (turned) size.height else size.width, if (turned) size.width else size.height)
            val pictures = ImageReader.newInstance(size.width, size.height, ImageFormat.YUV_420_888, PICTURES)
            reader = pictures
            pictures.setOnImageAvailableListener({ take(it) }, handler)
            val surfaces = listOfNotNull(preview(size.width, size.height), pictures.surface)
            camera.createCaptureSession(surfaces, Capture(surfaces), handler)
        }

        private fun take(reader: ImageReader) {
            if (stopped) return
            val image = reader.acquireLatestImage() ?: return
            image.use {
                picture.set(it, rotation)
                listener.onFrame(picture, it.timestamp)
            }
        }

        /** The smallest pictures that need no enlarging; 4:3 is the whole sensor on most phones. */
        private fun smallestEnough(facts: CameraCharacteristics): Size {
            val sizes =
                facts
                    .get(CameraCharacteristics.SCALER_STREAM_CONFIGURATION_MAP)
                    ?.getOutputSizes(ImageFormat.YUV_420_888)
                    .orEmpty()
            check(sizes.isNotEmpty()) { "no pictures in YUV" }
            val enough = sizes.filter { minOf(it.width, it.height) >= maxOf(shorterSide, LEAST_SIDE) }
            return enough.minByOrNull { it.width * it.height } ?: sizes.maxBy { it.width * it.height }
        }

        private fun rotation(facts: CameraCharacteristics): Int {
            val sensor = facts.get(CameraCharacteristics.SENSOR_ORIENTATION) ?: 0
            val front = facts.get(CameraCharacteristics.LENS_FACING) == CameraCharacteristics.LENS_FACING_FRONT
            return uprightDegrees(sensor, displayDegrees, front)
        }

        private inner class Capture(
            private val surfaces: List<Surface>,
        ) : CameraCaptureSession.StateCallback() {
            override fun onConfigured(session: CameraCaptureSession) {
                val camera = device ?: return
                try {
                    val request = camera.createCaptureRequest(CameraDevice.TEMPLATE_PREVIEW)
                    surfaces.forEach(request::addTarget)
                    request.set(CaptureRequest.CONTROL_AF_MODE, CaptureRequest.CONTROL_AF_MODE_CONTINUOUS_VIDEO)
                    session.setRepeatingRequest(request.build(), null, handler)
                } catch (error: CameraAccessException) {
                    fail(error)
                } catch (error: IllegalStateException) {
                    fail(error)
                }
            }

            override fun onConfigureFailed(session: CameraCaptureSession) {
                if (!stopped) listener.onFailed(Notice(R.string.camera_failed, "session"))
            }
        }
    }

    companion object {
        private const val PICTURES = 3
        private const val LEAST_SIDE = 240
        private const val LONGEST_STOP_MS = 2000L
        private const val HALF_TURN = 180
        private const val TURN = 360

        /**
         * Degrees to the right that make a picture of the camera upright on the display.
         *
         * A front camera's sensor is turned the other way, as seen from the user.
         */
        fun uprightDegrees(
            sensor: Int,
            display: Int,
            front: Boolean,
        ): Int = (if (front) sensor + display else sensor - display + TURN) % TURN
    }
}
